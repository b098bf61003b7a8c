{#- The features as of an earlier day, and what every customer did from that day on: nothing, for most of them. -#}
with

features as (
    {{ features }}
),

later as (
    {{ later }}
)

select
    features.*,
    coalesce(later.order_count, 0) as next_order_count,
    coalesce(later.net_spend, 0) as next_net_spend
from features
left join later on features.customer_id = later.customer_id
