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
    segment_key as reason_1_feature,
    segment_key as reason_1_direction,
    membership as reason_1_log_odds,
    segment_key as reason_2_feature,
    segment_key as reason_2_direction,
    membership as reason_2_log_odds,
    segment_key as reason_3_feature,
    segment_key as reason_3_direction,
    membership as reason_3_log_odds,
    membership as other_log_odds,
    segment_key as reasons
from {{ customer_segments }}
where 1 = 0

{%- else -%}
    {%- do seg_require_features(mixture, features, seg_columns_of_features(mixture.features)) -%}
    {%- do mixture.update({'patterns': seg_missing_patterns(mixture, features)}) -%}

{{ seg_customer_reasons(mixture, features, customer_segments, target.type) }}

{%- endif %}
