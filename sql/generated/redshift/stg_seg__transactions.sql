select
    case when trim(both (' ' || chr(9) || chr(10) || chr(13) || chr(160)) from cast(customer_id as varchar)) = '' then null else customer_id end as customer_id,
    case when trim(both (' ' || chr(9) || chr(10) || chr(13) || chr(160)) from cast(order_id as varchar)) = '' then null else order_id end as order_id,
    case
            when cast(ordered_at as varchar) ~ '[+-][0-9][0-9](:[0-9][0-9])?$'
                then convert_timezone('UTC', cast(cast(ordered_at as varchar) as timestamptz))
            else cast(ordered_at as timestamp)
        end as ordered_at,
    cast(amount as decimal(18, 4)) as amount,
    cast(amount as double precision) as unrounded_amount,
    coalesce(nullif(trim(cast(category as varchar)), ''), 'unknown') as category
from order_lines
