{{ config(materialized='table', enabled=seg_is_enabled('marts') and seg_setting('reasons')) }}

{%- set customer_segments = ref('seg_customer_segments') -%}
{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

{{ seg_no_rows(customer_segments) }}

{%- else -%}
    {%- do seg_require_features(mixture, features, seg_columns_of_features(mixture.features)) -%}
    {%- do mixture.update({'patterns': seg_missing_patterns(mixture, features)}) -%}

{{ seg_customer_reasons(mixture, features, customer_segments, target.type) }}

{%- endif %}
