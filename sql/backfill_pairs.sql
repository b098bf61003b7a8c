{#- The customers that have order lines between a date and the one before, with that date: they have other features. -#}
with

dates as (
    {%- for previous, day in spans %}
    select
        {{ "cast(null as date)" if previous is none else seg_date(previous, dialect) }} as previous_date,
        {{ seg_date(day, dialect) }} as as_of_date
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}
),

changed as (
    select distinct
        orders.customer_id,
        dates.as_of_date
    from {{ orders }} as orders
    inner join dates
        on orders.ordered_at < dates.as_of_date
        and (dates.previous_date is null or orders.ordered_at >= dates.previous_date)
)

select
    row_number() over (order by as_of_date asc nulls last) as pair_id,
    customer_id,
    as_of_date
from changed
