{{ config(materialized='table', enabled=seg_is_enabled('scoring')) }}

{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_active_model() -%}
{%- do seg_warn_unless_table() -%}

{%- if mixture is none -%}
    {%- do seg_no_model() -%}

select
    customer_id,
    as_of_date,
    cast(null as integer) as model_version,
    cast(null as {{ seg_double(target.type) }}) as log_density,
    cast(null as boolean) as is_outlier,
    cast(null as {{ seg_text(target.type) }}) as missing_features
from {{ features }}
where 1 = 0

{%- else -%}
    {%- do seg_require_features(mixture, features, seg_columns_of_features(mixture.features)) -%}
    {%- do mixture.update({'patterns': seg_missing_patterns(mixture, features)}) -%}

{{ seg_mixture_scores(mixture, features, ['customer_id', 'as_of_date'], target.type) }}

{%- endif %}
