with

customer_segments as (

    select
        customer_id,
        segment_name,
        membership,
        runner_up_segment_name,
        runner_up_membership,
        is_outlier,
        action_tier
    from {{ ref('seg_customer_segments') }}

),

raw_customers as (

    select
        customer_id,
        country
    from {{ source('raw', 'raw_customers') }}
    where newsletter

)

select
    raw_customers.customer_id,
    raw_customers.country,
    customer_segments.segment_name as first_campaign,
    customer_segments.membership as first_membership,
    -- Half of a hybrid customer's mails come from the second campaign; the others get one campaign only.
    case when customer_segments.action_tier = 'hybrid' then customer_segments.runner_up_segment_name end as second_campaign,
    case when customer_segments.action_tier = 'hybrid' then customer_segments.runner_up_membership end as second_membership
from raw_customers
inner join customer_segments on raw_customers.customer_id = customer_segments.customer_id
where
    customer_segments.action_tier in ('dominant', 'hybrid')
    -- An unusual customer (a bulk buyer, a refund without a purchase) is for a person to look at, not for a campaign.
    and not customer_segments.is_outlier
