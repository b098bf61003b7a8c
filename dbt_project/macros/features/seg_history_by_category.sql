{#-
    The query of every customer's spend by category, one row per customer and category. Pure, as seg_customer_history
    is.

    transactions_relation, as_of_date   as seg_customer_history has them

    Lines are grouped here once, and seg_customer_history reads the shares: with 60 million lines the grouping is half
    the work of all features, and a step that two others read is stored by DuckDB, which took as long again.
-#}
{%- macro seg_history_by_category(transactions_relation, as_of_date, dialect) -%}
{%- set double = seg_double(dialect) -%}
with

{{ seg_known_transactions(transactions_relation, as_of_date, ['category'], dialect) }}

-- No line has a category where the project has none. Asked before the grouping, DuckDB trims every category once more.
category_spend as (

    select
        customer_id,
        category,
        coalesce(sum(amount), 0) as spend
    from known_transactions
    group by customer_id, category
    having count(category) > 0

),

-- A share is of what the customer spent where anything was left: refunds make no share negative.
positive_parts as (

    select
        customer_id,
        category,
        spend,
        case when spend > 0 then spend else 0 end as positive_spend
    from category_spend

)

select
    positive_parts.customer_id,
    observation.as_of_date,
    positive_parts.category,
    cast(positive_parts.spend as {{ double }}) as spend,
    coalesce(
        cast(positive_parts.positive_spend as {{ double }})
        / nullif(
            cast(sum(positive_parts.positive_spend) over (partition by positive_parts.customer_id) as {{ double }}), 0
        ),
        0
    ) as share
from positive_parts
cross join observation
{%- endmacro -%}
