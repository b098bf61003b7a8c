with

lines as (

    select
        customer_id as customer_id,
        case when trim(cast(customer_id as varchar), ' ' || chr(9) || chr(10) || chr(13) || chr(160)) = '' then null else customer_id end as known_customer_id,
        order_id as order_id,
        case when trim(cast(order_id as varchar), ' ' || chr(9) || chr(10) || chr(13) || chr(160)) = '' then null else order_id end as known_order_id,
        case
            when system$typeof(ordered_at) like any ('TIMESTAMP_TZ%', 'TIMESTAMP_LTZ%')
                then cast(convert_timezone('UTC', cast(ordered_at as timestamp_tz)) as timestamp_ntz)
            else cast(ordered_at as timestamp_ntz)
        end as ordered_at,
        0 as odd_text,
        case when ordered_at is null then 1 end as undated,
        cast(amount as double) as amount,
        cast(category as varchar) as category
    from order_lines

),

-- DuckDB has dates without an end, which are no days.
dated as (

    select
        lines.*,
        false as is_endless,
        case when not false then cast(ordered_at as date) end as ordered_on
    from lines

),

by_line as (

    select
        count(*) as all_lines,
        sum(case when customer_id is not null and known_customer_id is null then 1 else 0 end) as blank_customers,
        sum(case when order_id is not null and known_order_id is null then 1 else 0 end) as blank_orders,
        sum(case when order_id is null then 1 else 0 end) as without_order,
        sum(case when undated = 1 then 1 else 0 end) as without_time,
        sum(odd_text) as odd_texts,
        sum(case when is_endless then 1 else 0 end) as endless,
        sum(case when amount is null then 1 else 0 end) as without_amount,
        sum(case when amount > 0 then 1 else 0 end) as positive_lines
    from dated

),

-- Lines exactly alike are one row here.
distinct_lines as (

    select
        known_customer_id,
        known_order_id,
        ordered_on,
        count(*) as order_lines
    from dated
    group by known_customer_id, known_order_id, ordered_on, ordered_at, amount, category

),

days as (

    select
        ordered_on,
        sum(order_lines) as order_lines,
        min(order_lines) as fewest_alike
    from distinct_lines
    where ordered_on is not null
    group by ordered_on

),

counted as (

    select
        ordered_on,
        order_lines,
        sum(order_lines) over (order by ordered_on desc nulls last) - order_lines as later_lines,
        sum(order_lines) over () as all_lines
    from days

),

-- The first day after which no more than 0.1 % of the lines, or one line, come.
usual as (

    select min(ordered_on) as last_day
    from counted
    where later_lines <= 1 or later_lines * 1000 <= all_lines

),

by_day as (

    select
        sum(case when ordered_on <= cast('1900-01-01' as date) then order_lines end) as too_early,
        sum(case when ordered_on = cast('1970-01-01' as date) then order_lines end) as at_zero,
        sum(case when ordered_on >= cast('2200-01-01' as date) then order_lines end) as too_late,
        sum(
            case when datediff(day, usual.last_day, days.ordered_on) > 31 then order_lines end
        ) as far_future,
        sum(case when fewest_alike > 1 and order_lines >= 20 then order_lines end) as loaded_twice
    from days
    cross join usual

),

order_groups as (

    select
        known_order_id,
        min(known_customer_id) as first_customer,
        max(known_customer_id) as last_customer,
        sum(order_lines) as order_lines
    from distinct_lines
    where known_order_id is not null and known_customer_id is not null
    group by known_order_id

),

by_order as (

    select
        count(*) as orders,
        count(distinct first_customer) as customers,
        sum(case when first_customer <> last_customer then order_lines else 0 end) as shared_lines,
        sum(order_lines) as order_lines
    from order_groups

)

select
    'text_dates' as check_name,
    'error' as severity,
    'ordered_at' as column_name,
    cast(odd_texts as bigint) as order_lines,
    cast(cast(odd_texts as bigint) as varchar)
    || ' order lines are dated by a text that does not begin with YYYY-MM-DD, and each engine reads another day in it. Say how it is written, as in `columns: {ordered_at: "strptime(ordered_at, ''%d-%m-%y'')"}`' as message
from by_line
where odd_texts > 0

union all

select
    'endless_dates' as check_name,
    'error' as severity,
    'ordered_at' as column_name,
    cast(endless as bigint) as order_lines,
    cast(cast(endless as bigint) as varchar)
    || ' order lines are dated infinity, which is no day. Make it NULL in `columns.ordered_at`, or leave those lines out of the model that `transactions` names' as message
from by_line
where endless > 0

union all

select
    'dates_before_1900' as check_name,
    'error' as severity,
    'ordered_at' as column_name,
    cast(too_early as bigint) as order_lines,
    cast(cast(too_early as bigint) as varchar)
    || ' order lines are dated 1900-01-01 or before, which stands for a date that nobody knew. Make it NULL in `columns.ordered_at`, or leave those lines out of the model that `transactions` names' as message
from by_day
where too_early > 0

union all

select
    'dates_at_zero' as check_name,
    'error' as severity,
    'ordered_at' as column_name,
    cast(at_zero as bigint) as order_lines,
    cast(cast(at_zero as bigint) as varchar)
    || ' order lines are dated 1970-01-01, which is how an empty date reads that was kept as a number. Make it NULL in `columns.ordered_at`, or leave those lines out of the model that `transactions` names' as message
from by_day
where at_zero > 0

union all

select
    'dates_after_2200' as check_name,
    'error' as severity,
    'ordered_at' as column_name,
    cast(too_late as bigint) as order_lines,
    cast(cast(too_late as bigint) as varchar)
    || ' order lines are dated in 2200 or later, which stands for a date without an end. Make it NULL in `columns.ordered_at`, or set `as_of_date`' as message
from by_day
where too_late > 0

union all

select
    'far_future' as check_name,
    'warn' as severity,
    'ordered_at' as column_name,
    cast(case when too_late is null then far_future end as bigint) as order_lines,
    cast(cast(case when too_late is null then far_future end as bigint) as varchar)
    || ' order lines are dated more than 31 days after the day up to which nearly all lines are, and move `as_of_date`, with it the recency of every customer. Correct them in `columns.ordered_at`, or set `as_of_date`' as message
from by_day
where case when too_late is null then far_future end > 0

union all

select
    'blank_customer_ids' as check_name,
    'warn' as severity,
    'customer_id' as column_name,
    cast(blank_customers as bigint) as order_lines,
    cast(cast(blank_customers as bigint) as varchar)
    || ' order lines have a blank customer_id and are taken as nobody''s, like NULL. If they belong to somebody, say to whom in `columns.customer_id`' as message
from by_line
where blank_customers > 0

union all

select
    'one_order_each' as check_name,
    'warn' as severity,
    'customer_id' as column_name,
    cast(case when customers = orders and orders > 100 then order_lines end as bigint) as order_lines,
    cast(cast(case when customers = orders and orders > 100 then order_lines end as bigint) as varchar)
    || ' order lines are of customers with exactly one order each. Is columns.customer_id a key of the order, and not of the person?' as message
from by_order
where case when customers = orders and orders > 100 then order_lines end > 0

union all

select
    'blank_order_ids' as check_name,
    'warn' as severity,
    'order_id' as column_name,
    cast(blank_orders as bigint) as order_lines,
    cast(cast(blank_orders as bigint) as varchar)
    || ' order lines have a blank order_id and are taken as lines without one, like NULL: one order for each customer and day' as message
from by_line
where blank_orders > 0

union all

select
    'without_order_id' as check_name,
    'warn' as severity,
    'order_id' as column_name,
    cast(without_order as bigint) as order_lines,
    cast(cast(without_order as bigint) as varchar)
    || ' order lines have no order_id: they make one order for each customer and day. If orders have another key, name it in `columns.order_id`' as message
from by_line
where without_order > 0

union all

select
    'orders_of_several_customers' as check_name,
    'warn' as severity,
    'order_id' as column_name,
    cast(case when shared_lines * 100 > order_lines then shared_lines end as bigint) as order_lines,
    cast(cast(case when shared_lines * 100 > order_lines then shared_lines end as bigint) as varchar)
    || ' order lines are of orders that several customers have, and count once for each of them. If order numbers start anew by shop or year, make them one key in `columns.order_id`' as message
from by_order
where case when shared_lines * 100 > order_lines then shared_lines end > 0

union all

select
    'loaded_twice' as check_name,
    'warn' as severity,
    'ordered_at' as column_name,
    cast(loaded_twice as bigint) as order_lines,
    cast(cast(loaded_twice as bigint) as varchar)
    || ' order lines are of days on which every line stands there at least twice, alike in every column, as after a load that ran twice. All are counted. Remove the copies in the model that `transactions` names' as message
from by_day
where loaded_twice > 0

union all

select
    'without_time' as check_name,
    'warn' as severity,
    'ordered_at' as column_name,
    cast(without_time as bigint) as order_lines,
    cast(cast(without_time as bigint) as varchar)
    || ' order lines have no ordered_at and are not counted. Fill it in `columns.ordered_at`' as message
from by_line
where without_time > 0

union all

select
    'without_amount' as check_name,
    'warn' as severity,
    'amount' as column_name,
    cast(without_amount as bigint) as order_lines,
    cast(cast(without_amount as bigint) as varchar)
    || ' order lines have no amount and add nothing to spend. Fill it in `columns.amount`' as message
from by_line
where without_amount > 0

union all

select
    'nothing_paid' as check_name,
    'warn' as severity,
    'amount' as column_name,
    cast(case when positive_lines = 0 then all_lines end as bigint) as order_lines,
    cast(cast(case when positive_lines = 0 then all_lines end as bigint) as varchar)
    || ' order lines are all there are, and none has an amount above 0: nobody bought anything. Turn the sign in `columns.amount` if purchases are negative' as message
from by_line
where case when positive_lines = 0 then all_lines end > 0
