{{ config(materialized='table', enabled=seg_is_enabled('marts')) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

{{ seg_no_rows(scores) }}

{%- else -%}
    {%- set measures = seg_profile_measures(mixture) -%}
    {%- set weight = seg_setting('model.weight') -%}
    {%- set needed = measures | map(attribute='feature') | list + ([] if weight is none else [weight]) -%}
    {%- do seg_require_features(mixture, features, needed) -%}

{{ seg_profiles(mixture, features, scores, measures, target.type, weight=weight) }}

{%- endif %}
