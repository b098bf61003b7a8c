{#- Long form: one row per customer and segment. One scan of the scores, however many segments there are. -#}
{%- macro seg_long_memberships(model, scores, dialect) -%}
with

segments as (
    {%- for segment in model.components %}
    select {{ seg_literal(segment.segment_key, dialect) }} as segment_key
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    scores.customer_id,
    scores.as_of_date,
    cast(scores.model_version as integer) as model_version,
    cast(segments.segment_key as {{ seg_text(dialect) }}) as segment_key,
    {%- set segment_name = seg_segment_name('segments.segment_key', model.components, dialect) %}
    cast({{ segment_name }} as {{ seg_text(dialect) }}) as segment_name,
    {{ seg_of_segment('segments.segment_key', model.components, 'scores.membership_', dialect) }} as membership
from {{ scores }} as scores
cross join segments
{%- endmacro -%}
