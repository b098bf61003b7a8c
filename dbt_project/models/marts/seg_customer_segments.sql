{{ config(materialized='table', enabled=seg_is_enabled('any')) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

select
    customer_id,
    as_of_date,
    model_version,
    cast(null as {{ seg_text(target.type) }}) as segment_key,
    cast(null as {{ seg_text(target.type) }}) as segment_name,
    cast(null as {{ seg_double(target.type) }}) as membership,
    cast(null as {{ seg_text(target.type) }}) as runner_up_segment_key,
    cast(null as {{ seg_text(target.type) }}) as runner_up_segment_name,
    cast(null as {{ seg_double(target.type) }}) as runner_up_membership,
    cast(null as {{ seg_double(target.type) }}) as entropy,
    log_density,
    is_outlier,
    cast(null as {{ seg_text(target.type) }}) as action_tier,
    missing_features
from {{ scores }}
where 1 = 0

{%- else -%}

{{ seg_customer_assignment(mixture, scores, seg_setting('tiers'), target.type) }}

{%- endif %}
