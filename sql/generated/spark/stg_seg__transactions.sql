select
    case when trim(both (' ' || chr(9) || chr(10) || chr(13) || chr(160)) from cast(customer_id as string)) = '' then null else customer_id end as customer_id,
    case when trim(both (' ' || chr(9) || chr(10) || chr(13) || chr(160)) from cast(order_id as string)) = '' then null else order_id end as order_id,
    case
            when typeof(ordered_at) = 'timestamp' then
                cast('1970-01-01 00:00:00' as timestamp_ntz) + make_dt_interval(
                    0, 0, 0,
                    cast(
                        cast(unix_micros(from_utc_timestamp(cast(ordered_at as timestamp), 'UTC'))
                            as decimal(20, 0)) / 1000000 as decimal(18, 6)
                    )
                )
            else cast(ordered_at as timestamp_ntz)
        end as ordered_at,
    cast(amount as decimal(18, 4)) as amount,
    cast(amount as double) as unrounded_amount,
    coalesce(nullif(trim(cast(category as string)), ''), 'unknown') as category
from order_lines
