{{ config(materialized='table', enabled=seg_is_enabled('any')) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- set customer_segments = ref('seg_customer_segments') -%}
{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

select
    model_version,
    segment_key,
    segment_name,
    segment_name as description,
    membership as weight,
    cast(null as bigint) as customers,
    membership as customer_share,
    membership as expected_customers,
    membership as revenue,
    membership as revenue_share
from {{ customer_segments }}
where 1 = 0

{%- else -%}
    {%- do seg_warn_of_unknown_keys(mixture.components) -%}

{{ seg_segment_sizes(mixture, scores, customer_segments, seg_revenue(features), target.type) }}

{%- endif %}
