{{ config(materialized='table', enabled=seg_is_enabled('any')) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- set customer_segments = ref('seg_customer_segments') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

select
    model_version,
    segment_key,
    segment_name,
    segment_name as description,
    membership as weight,
    cast(null as bigint) as customers,
    membership as expected_customers
from {{ customer_segments }}
where 1 = 0

{%- else -%}

{{ seg_segment_sizes(mixture, scores, customer_segments, target.type) }}

{%- endif %}
