-- How well the segments found are the types planted: `dbt show --select segments_by_planted_type --limit 50`.
-- One row per planted type and segment, the share being that of the type's customers.
with

customer_segments as (

    select
        customer_id,
        segment_key,
        segment_name,
        membership
    from {{ ref('seg_customer_segments') }}

),

truth as (

    select
        customer_id,
        customer_type
    from {{ source('raw', 'demo_customer_truth') }}

)

select
    truth.customer_type,
    customer_segments.segment_key,
    customer_segments.segment_name,
    count(*) as customers,
    round(count(*) / sum(count(*)) over (partition by truth.customer_type), 3) as share_of_type,
    round(avg(customer_segments.membership), 3) as mean_membership
from truth
inner join customer_segments on truth.customer_id = customer_segments.customer_id
group by truth.customer_type, customer_segments.segment_key, customer_segments.segment_name
order by truth.customer_type asc nulls last, customers desc nulls last
