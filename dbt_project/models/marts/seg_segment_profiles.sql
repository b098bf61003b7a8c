{{ config(materialized='table', enabled=seg_is_enabled('any')) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- set features = ref('seg_customer_features') -%}
{%- set mixture = seg_scored_model() -%}

{%- if mixture is none -%}

select
    missing_features as segment_key,
    missing_features as feature,
    log_density as mean,
    log_density as standard_deviation,
    log_density as population_mean,
    log_density as index_vs_population,
    log_density as z_score,
    model_version as distinctiveness_rank
from {{ scores }}
where 1 = 0

{%- else -%}
    {%- set measures = seg_profile_measures(mixture) -%}
    {%- do seg_require_features(mixture, features, measures | map(attribute='feature') | list) -%}

{{ seg_profiles(mixture, features, scores, measures, target.type) }}

{%- endif %}
