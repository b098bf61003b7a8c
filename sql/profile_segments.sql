{#- The segments as the profile sheet shows them, the largest first. -#}
select
    model_version,
    segment_key,
    segment_name,
    description,
    customers,
    customer_share,
    expected_customers,
    revenue,
    revenue_share
from {{ segments }}
order by customers desc, segment_key
