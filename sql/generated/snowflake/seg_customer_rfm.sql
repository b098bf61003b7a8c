with

observation as (

    select cast(dateadd(day, 1, max(cast(ordered_at as date))) as date) as as_of_date
    from stg_seg__transactions

),

known_transactions as (

    select
        customer_id,
        order_id,
        cast(ordered_at as date) as ordered_on,
        amount
    from stg_seg__transactions
    where
        cast(ordered_at as date) is not null
        and customer_id is not null

),

-- Lines without an order_id make one order for each customer and day.
orders as (

    select
        customer_id,
        min(ordered_on) as first_line_on,
        max(ordered_on) as last_line_on,
        sum(amount) as net_amount,
        count(case when amount < 0 then 1 end) as refunded_lines
    from known_transactions
    group by customer_id, order_id, case when order_id is null then ordered_on end

),

-- A purchase has money left, or was free of charge. Cancellations and wholly refunded orders are none; their money
-- still nets.
dated_orders as (

    select
        customer_id,
        first_line_on,
        last_line_on,
        net_amount,
        case
            when net_amount > 0 or (net_amount = 0 and refunded_lines = 0) then first_line_on
        end as purchased_on
    from orders

),

customers as (

    select
        customer_id,
        coalesce(sum(net_amount), 0) as net_spend,
        count(purchased_on) as order_count,
        min(purchased_on) as first_order_on,
        max(purchased_on) as last_order_on,
        coalesce(min(purchased_on), min(first_line_on)) as first_seen_on,
        coalesce(max(purchased_on), max(last_line_on)) as last_seen_on
    from dated_orders
    group by customer_id

),

category_shares as (

    select
        customer_id,
        share
    from seg_customer_category_spend
    where share > 0

),

-- Each term is a whole number of 1e-10, so that the sum depends neither on the order of rows nor on the last digit of
-- an engine's logarithm. Rounded by floor(): engines cast a double to a decimal or a whole number each in a way of its
-- own.
category_spread as (

    select
        customer_id,
        count(*) as category_count,
        sum(cast(floor(5e-1 - share * ln(share) * 1e10) as bigint)) as category_entropy_steps
    from category_shares
    group by customer_id

)

select
    customers.customer_id,
    observation.as_of_date,
    cast(datediff(day, customers.last_seen_on, observation.as_of_date) as integer) as recency_days,
    cast(customers.order_count as integer) as order_count,
    cast(customers.net_spend as double) as net_spend,
    coalesce(
        cast(customers.net_spend as double) / nullif(customers.order_count, 0),
        0
    ) as average_order_value,
    cast(datediff(day, customers.first_seen_on, observation.as_of_date) as integer) as tenure_days,
    cast(datediff(day, customers.first_order_on, customers.last_order_on) as double)
    / nullif(customers.order_count - 1, 0) as days_between_orders,
    cast(coalesce(category_spread.category_count, 0) as integer) as category_count,
    cast(coalesce(category_spread.category_entropy_steps, 0) as double) / 1e10 as category_entropy
from customers
cross join observation
left join category_spread on customers.customer_id = category_spread.customer_id
