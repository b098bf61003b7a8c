{#- How many customers each value of an attribute has in every segment and tier of a model. -#}
with

assignment as (
    {{ seg_customer_assignment(
        model,
        "("
        ~ seg_mixture_scores(model, "(" ~ features ~ ") as features", ["customer_id", "as_of_date"], dialect)
        ~ ") as scores",
        tiers,
        dialect,
    ) }}
),

attributes as (
    select
        customer_id,
        cast({{ seg_identifier(column, dialect) }} as {{ seg_text(dialect) }}) as attribute
    from {{ relation }}
)

select
    attributes.attribute,
    assignment.segment_key,
    assignment.action_tier,
    count(*) as customers
from assignment
left join attributes on assignment.customer_id = attributes.customer_id
group by attributes.attribute, assignment.segment_key, assignment.action_tier
order by
    attributes.attribute asc nulls last,
    assignment.segment_key asc nulls last,
    assignment.action_tier asc nulls last
