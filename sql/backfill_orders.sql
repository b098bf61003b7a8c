{#-
    Order lines of each order and day as one row, or two where some take money back: all that seg_customer_history asks
    of them, in a fraction of the rows. The sums of exact numbers are exact.
-#}
select
    customer_id,
    order_id,
    cast(ordered_at as date) as ordered_at,
    sum(amount) as amount
from {{ lines }}
where
    {{ seg_is_seen(until, dialect) }}
    and customer_id is not null
group by customer_id, order_id, cast(ordered_at as date), amount < 0
