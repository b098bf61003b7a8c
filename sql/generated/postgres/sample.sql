select
    md5(cast(customer_id as varchar) || '|1') as sample_key,
    cast(customer_id as varchar) as customer_id,
    cast(recency_days as double precision) as recency_days,
    cast(order_count as double precision) as order_count,
    cast(spend_wine as double precision) as spend_wine
from (
    select * from seg_customer_features
) as features
order by sample_key asc nulls last, customer_id asc nulls last
limit 20000
