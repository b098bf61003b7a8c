with

observation as (

    select cast(date_add(max(cast(ordered_at as date)), 1) as date) as as_of_date
    from stg_seg__transactions

),

known_transactions as (

    select
        customer_id,
        category,
        amount
    from stg_seg__transactions
    where
        cast(ordered_at as date) is not null
        and customer_id is not null

),

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
    cast(positive_parts.spend as double) as spend,
    coalesce(
        cast(positive_parts.positive_spend as double)
        / nullif(
            cast(sum(positive_parts.positive_spend) over (partition by positive_parts.customer_id) as double), 0
        ),
        0
    ) as share
from positive_parts
cross join observation
