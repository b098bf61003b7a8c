{{ config(
    materialized='table',
    enabled=seg_is_enabled('monitoring', 'transactions') and seg_is_enabled('marts') and seg_days_ahead() > 0,
) }}

{%- set customer_segments = ref('seg_customer_segments') -%}
{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

{{ seg_no_rows(customer_segments) }}

{%- else -%}
    {%- do seg_require_features(mixture, features, seg_columns_of_features(mixture.features)) -%}
    {%- do mixture.update({'patterns': seg_missing_patterns(mixture, features)}) -%}

{{ seg_next_changes(mixture, features, customer_segments, seg_setting('tiers'), seg_days_ahead(), target.type) }}

{%- endif %}
