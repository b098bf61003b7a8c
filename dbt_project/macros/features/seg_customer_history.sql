{#-
    The query of a customer's order history in numbers, one row per customer as of one day. Pure: seg_customer_rfm is
    this query as of the day that the settings say; Python renders it for an earlier day, to see what was known then.

    transactions_relation    the order lines under their common names, as stg_seg__transactions has them: times
                             without a zone, amounts as exact numbers
    as_of_date               the text YYYY-MM-DD, the exclusive end of the lines that are seen; none is the day after
                             the last
    category_spend_relation  seg_history_by_category as of the same day; none where the lines have no category
-#}
{%- macro seg_customer_history(transactions_relation, as_of_date, category_spend_relation, dialect) -%}
{%- set double = seg_double(dialect) -%}
with

{{ seg_known_transactions(
    transactions_relation, as_of_date, ['order_id', 'cast(ordered_at as date) as ordered_on'], dialect
) }}

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

)
{%- if category_spend_relation %},

category_shares as (

    select
        customer_id,
        share
    from {{ category_spend_relation }}
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
{%- endif %}

select
    customers.customer_id,
    observation.as_of_date,
    {%- set days_since_last = seg_days_between('customers.last_seen_on', 'observation.as_of_date', dialect) %}
    cast({{ days_since_last }} as integer) as recency_days,
    cast(customers.order_count as integer) as order_count,
    cast(customers.net_spend as {{ double }}) as net_spend,
    coalesce(
        cast(customers.net_spend as {{ double }}) / nullif(customers.order_count, 0),
        0
    ) as average_order_value,
    {%- set days_since_first = seg_days_between('customers.first_seen_on', 'observation.as_of_date', dialect) %}
    cast({{ days_since_first }} as integer) as tenure_days,
    cast({{ seg_days_between('customers.first_order_on', 'customers.last_order_on', dialect) }} as {{ double }})
    / nullif(customers.order_count - 1, 0) as days_between_orders,
    {%- if category_spend_relation %}
    cast(coalesce(category_spread.category_count, 0) as integer) as category_count,
    cast(coalesce(category_spread.category_entropy_steps, 0) as {{ double }}) / 1e10 as category_entropy
    {%- else %}
    0 as category_count,
    cast(0 as {{ double }}) as category_entropy
    {%- endif %}
from customers
cross join observation
{%- if category_spend_relation %}
left join category_spread on customers.customer_id = category_spread.customer_id
{%- endif %}
{%- endmacro -%}


{#- One row: the day before which lines are seen. Pure. -#}
{%- macro seg_observation(transactions_relation, as_of_date, dialect) -%}
    {%- if as_of_date -%}
    select {{ seg_date(as_of_date, dialect) }} as as_of_date
    {%- else -%}
    select {{ seg_days_after('max(cast(ordered_at as date))', 1, dialect) }} as as_of_date
    from {{ transactions_relation }}
    {%- endif -%}
{%- endmacro -%}


{#- The steps that import the order lines of known customers that are seen, with `columns` (SQL) of them. Pure. -#}
{%- macro seg_known_transactions(transactions_relation, as_of_date, columns, dialect) -%}
observation as (

    {{ seg_observation(transactions_relation, as_of_date, dialect) }}

),

known_transactions as (

    select
        customer_id,
        {{ columns | join(',\n        ') }},
        amount
    from {{ transactions_relation }}
    where
        {{ seg_is_seen(as_of_date, dialect) }}
        and customer_id is not null

),
{%- endmacro -%}


{#- Whether a line is seen: it is dated, and before as_of_date. Where that is the day after the last line every date is,
    and the comparison would be a join with the one row of `observation`. The cast again: some engines make NULL of a
    text that is no date. Pure. -#}
{%- macro seg_is_seen(as_of_date, dialect) -%}
    cast(ordered_at as date) {{ '< ' ~ seg_date(as_of_date, dialect) if as_of_date else 'is not null' }}
{%- endmacro -%}


{#- The literal of a text YYYY-MM-DD. -#}
{%- macro seg_date(text, dialect) -%}
    cast({{ seg_literal(text, dialect) }} as date)
{%- endmacro -%}
