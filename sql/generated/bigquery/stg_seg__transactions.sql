select
    case when trim(cast(customer_id as string), ' ' || chr(9) || chr(10) || chr(13) || chr(160)) = '' then null else customer_id end as customer_id,
    case when trim(cast(order_id as string), ' ' || chr(9) || chr(10) || chr(13) || chr(160)) = '' then null else order_id end as order_id,
    case
            when regexp_contains(cast(ordered_at as string), r'[+-]\d\d(:\d\d)?$')
                then datetime(cast(cast(ordered_at as string) as timestamp), 'UTC')
            else cast(cast(ordered_at as string) as datetime)
        end as ordered_at,
    cast(amount as decimal(18, 4)) as amount,
    cast(amount as float64) as unrounded_amount,
    coalesce(nullif(trim(cast(category as string)), ''), 'unknown') as category
from order_lines
