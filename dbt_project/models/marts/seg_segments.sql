{{ config(materialized='table', enabled=seg_is_enabled('marts')) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- set customer_segments = ref('seg_customer_segments') -%}
{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

{{ seg_no_rows(customer_segments) }}

{%- else -%}
    {%- do seg_warn_of_unknown_keys(mixture.components) -%}
    {%- set weight = seg_setting('model.weight') -%}
    {%- if weight is not none -%}
        {%- do seg_require_features(mixture, features, [weight]) -%}
    {%- endif -%}

{{ seg_segment_sizes(
    mixture,
    scores,
    customer_segments,
    seg_revenue(features),
    target.type,
    warning=seg_model_warning(mixture.model_version),
    weights=none if weight is none else {'relation': features, 'column': weight},
) }}

{%- endif %}
