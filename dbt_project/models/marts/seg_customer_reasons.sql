{{ config(materialized='table', enabled=seg_is_enabled('any') and seg_setting('reasons')) }}

{%- set customer_segments = ref('seg_customer_segments') -%}
{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

select
    customer_id,
    as_of_date,
    model_version,
    segment_key,
    runner_up_segment_key,
    membership as log_odds,
    membership as base_log_odds,
    {%- for rank in (1, 2, 3) %}
    segment_key as reason_{{ rank }}_feature,
    segment_key as reason_{{ rank }}_direction,
    membership as reason_{{ rank }}_log_odds,
    {%- endfor %}
    membership as other_log_odds,
    segment_key as reasons
from {{ customer_segments }}
where 1 = 0

{%- else -%}
    {%- do seg_require_features(mixture, features, seg_columns_of_features(mixture.features)) -%}
    {%- do mixture.update({'patterns': seg_missing_patterns(mixture, features)}) -%}

{{ seg_customer_reasons(mixture, features, customer_segments, target.type) }}

{%- endif %}
