{#-
    One order dated 2099 moves as_of_date, and with it every customer's recency, by decades. Warns with the lines that
    lie more than 31 days after the date up to which 99.9 % of the lines are (all but one, where there are fewer than
    2,000 of them). Not asked where the variable as_of_date says the date.
-#}
{{ config(
    severity='warn',
    enabled=seg_is_enabled('features', 'transactions') and seg_setting('full_scan_tests') and seg_as_of_date() is none,
) }}

with

order_lines as (

    select
        customer_id,
        order_id,
        cast(ordered_at as date) as ordered_on
    from {{ ref('stg_seg__transactions') }}

),

days as (

    select
        ordered_on,
        count(*) as order_lines
    from order_lines
    where ordered_on is not null
    group by ordered_on

),

counted as (

    select
        ordered_on,
        sum(order_lines) over (order by ordered_on desc) - order_lines as later_lines,
        sum(order_lines) over () as all_lines
    from days

),

-- The first day after which no more than 0.1 % of the lines, or one line, come.
usual as (

    select min(ordered_on) as usual_last_day
    from counted
    where later_lines <= 1 or later_lines * 1000 <= all_lines

)

select
    order_lines.customer_id,
    order_lines.order_id,
    order_lines.ordered_on,
    usual.usual_last_day
from order_lines
cross join usual
where order_lines.ordered_on > {{ dbt.dateadd('day', 31, 'usual.usual_last_day') }}
