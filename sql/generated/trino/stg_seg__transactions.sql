select
    case when trim(both (' ' || chr(9) || chr(10) || chr(13) || chr(160)) from cast(customer_id as varchar)) = '' then null else customer_id end as customer_id,
    case when trim(both (' ' || chr(9) || chr(10) || chr(13) || chr(160)) from cast(order_id as varchar)) = '' then null else order_id end as order_id,
    case
            when typeof(ordered_at) like 'timestamp%with time zone'
                then cast(cast(ordered_at as timestamp with time zone) at time zone 'UTC' as timestamp(6))
            else cast(ordered_at as timestamp(6))
        end as ordered_at,
    cast(amount as decimal(18, 4)) as amount,
    cast(amount as double) as unrounded_amount,
    coalesce(nullif(trim(cast(category as varchar)), ''), 'unknown') as category
from order_lines
