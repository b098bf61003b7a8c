{#- Mean log density per customer under a model, by weight where there is one. -#}
{%- set keys = ["customer_id", "as_of_date"] + ([weight] if weight else []) -%}
{%- set customers = seg_as_double(weight, dialect) if weight else "1e0" -%}
with

scores as (
    {{ seg_mixture_scores(model, "(" ~ features ~ ") as features", keys, dialect) }}
)

select sum({{ customers }} * log_density) / sum({{ customers }}) as log_density
from scores
