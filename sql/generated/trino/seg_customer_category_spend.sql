with

customers as (

    select
        customer_id,
        as_of_date
    from seg_customer_rfm

),

transactions as (

    select
        customer_id,
        cast(ordered_at as date) as ordered_on,
        cast(amount as decimal(18, 4)) as amount,
        category
    from stg_seg__transactions
    where category is not null

),

category_spend as (

    select
        customers.customer_id,
        customers.as_of_date,
        transactions.category,
        coalesce(sum(transactions.amount), 0) as spend
    from transactions
    inner join customers on transactions.customer_id = customers.customer_id
    where transactions.ordered_on < customers.as_of_date
    group by customers.customer_id, customers.as_of_date, transactions.category

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
    cast(spend as double) as spend,
    coalesce(
        cast(positive_spend as double)
        / nullif(cast(sum(positive_spend) over (partition by customer_id) as double), 0),
        0
    ) as share
from positive_spend
