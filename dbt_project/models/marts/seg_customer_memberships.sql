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
    cast(null as {{ seg_double(target.type) }}) as membership
from {{ scores }}
where 1 = 0

{%- else -%}

{{ seg_long_memberships(mixture, scores, target.type) }}

{%- endif %}
