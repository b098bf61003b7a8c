{#- How many order lines of known customers each day has. -#}
select
    cast(ordered_at as date) as ordered_on,
    count(*) as order_lines
from {{ lines }}
where
    customer_id is not null
    and ordered_at is not null
group by cast(ordered_at as date)
