{#-
    The query of every customer's spend by category, one row per customer and category. Pure, as seg_customer_history is.

    rfm_relation            says which customers, and as of which day
    transactions_relation   the order lines, as stg_seg__transactions has them
-#}
{%- macro seg_history_by_category(rfm_relation, transactions_relation, dialect) -%}
{%- set double = seg_double(dialect) -%}
with

customers as (

    select
        customer_id,
        as_of_date
    from {{ rfm_relation }}

),

observations as (

    select distinct as_of_date
    from customers

),

known_transactions as (

    select
        customer_id,
        observations.as_of_date,
        category,
        {{ seg_money('amount') }} as amount
    from {{ transactions_relation }}
    cross join observations
    where
        category is not null
        and cast(ordered_at as date) < observations.as_of_date

),

-- Summed before they are joined: there are far fewer sums than lines.
known_spend as (

    select
        customer_id,
        as_of_date,
        category,
        coalesce(sum(amount), 0) as spend
    from known_transactions
    group by customer_id, as_of_date, category

),

category_spend as (

    select
        customers.customer_id,
        customers.as_of_date,
        known_spend.category,
        known_spend.spend
    from known_spend
    inner join customers
        on known_spend.customer_id = customers.customer_id and known_spend.as_of_date = customers.as_of_date

),

-- A share is of what the customer spent where anything was left: refunds make no share negative.
positive_spend as (

    select
        customer_id,
        as_of_date,
        category,
        spend,
        case when spend > 0 then spend else 0 end as positive_spend
    from category_spend

)

select
    customer_id,
    as_of_date,
    category,
    cast(spend as {{ double }}) as spend,
    coalesce(
        cast(positive_spend as {{ double }})
        / nullif(cast(sum(positive_spend) over (partition by customer_id) as {{ double }}), 0),
        0
    ) as share
from positive_spend
{%- endmacro -%}
