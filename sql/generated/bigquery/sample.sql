select
    to_hex(md5(cast(customer_id as string) || '|1')) as sample_key,
    cast(customer_id as string) as customer_id,
    cast(recency_days as float64) as recency_days,
    cast(order_count as float64) as order_count,
    cast(spend_wine as float64) as spend_wine
from (
    select * from seg_customer_features
) as features
order by sample_key asc nulls last, customer_id asc nulls last
limit 20000
