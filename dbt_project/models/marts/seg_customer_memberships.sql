{{ config(materialized='table', enabled=seg_is_enabled('marts')) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

{{ seg_no_rows(scores) }}

{%- else -%}

{{ seg_long_memberships(mixture, scores, target.type) }}

{%- endif %}
