{#-
    Order lines of each customer, category and period of the grid as one row, those before the first date as one: all
    that seg_history_by_category asks of them. No row has lines on both sides of a date.
-#}
{%- set day = "cast(ordered_at as date)" -%}
{%- set period_start -%}
case when {{ day }} < {{ seg_date(first, dialect) }} then null else {{ seg_period_start(day, period, dialect) }} end
{%- endset -%}
select
    customer_id,
    category,
    min({{ day }}) as ordered_at,
    sum(amount) as amount
from {{ lines }}
where
    {{ seg_is_seen(until, dialect) }}
    and customer_id is not null
group by customer_id, category, {{ period_start }}
