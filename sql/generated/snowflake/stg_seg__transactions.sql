select
    case when trim(cast(customer_id as varchar), ' ' || chr(9) || chr(10) || chr(13) || chr(160)) = '' then null else customer_id end as customer_id,
    case when trim(cast(order_id as varchar), ' ' || chr(9) || chr(10) || chr(13) || chr(160)) = '' then null else order_id end as order_id,
    case
            when system$typeof(ordered_at) like any ('TIMESTAMP_TZ%', 'TIMESTAMP_LTZ%')
                then cast(convert_timezone('UTC', cast(ordered_at as timestamp_tz)) as timestamp_ntz)
            else cast(ordered_at as timestamp_ntz)
        end as ordered_at,
    cast(amount as decimal(18, 4)) as amount,
    cast(amount as double) as unrounded_amount,
    coalesce(nullif(trim(cast(category as varchar)), ''), 'unknown') as category
from order_lines
