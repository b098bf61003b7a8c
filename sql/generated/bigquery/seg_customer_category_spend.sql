with

customers as (

    select
        customer_id,
        as_of_date
    from seg_customer_rfm

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
        cast(amount as decimal(18, 4)) as amount
    from stg_seg__transactions
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
    cast(spend as float64) as spend,
    coalesce(
        cast(positive_spend as float64)
        / nullif(cast(sum(positive_spend) over (partition by customer_id) as float64), 0),
        0
    ) as share
from positive_spend
