{#-
    Every customer's top segment under each of two models, counted by pairs. Each model reads its own wide features,
    with its own categories. Ties go to the segment that comes first, as in seg_customer_segments.
-#}
{%- macro top_segments(model, features) -%}
{%- set segments = model.components %}
    select
        customer_id,
        as_of_date,
        {{ seg_top_segment(segments, seg_largest_membership(segments), dialect) | indent(8) }} as segment_key
    from (
        {%- set keys = ['customer_id', 'as_of_date'] %}
        {{ seg_mixture_scores(model, '(' ~ features ~ ') as features', keys, dialect) | indent(8) }}
    ) as scores
{%- endmacro -%}

with

previous as (
    {{- top_segments(previous, previous_features) }}
),

present as (
    {{- top_segments(model, features) }}
)

select
    previous.segment_key as previous_segment_key,
    present.segment_key,
    count(*) as customers
from previous
inner join present
    on previous.customer_id = present.customer_id
    and previous.as_of_date = present.as_of_date
group by previous.segment_key, present.segment_key
