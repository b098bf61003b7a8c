with

segments as (
    select
        1 as model_version,
        1 as position,
        's1' as segment_key,
        'Regulars' as segment_name,
        '' as description,
        0.625e0 as weight
    union all
    select
        1 as model_version,
        2 as position,
        's2' as segment_key,
        'Bought once, long ago' as segment_name,
        '' as description,
        0.375e0 as weight
),

top_customers as (
    select
        segment_key,
        count(*) as customers
    from seg_customer_segments
    group by segment_key
),

membership_sums as (
    select
        sum(membership_s1) as membership_s1,
        sum(membership_s2) as membership_s2
    from seg_customer_scores
)

select
    segments.model_version,
    cast(segments.segment_key as string) as segment_key,
    cast(segments.segment_name as string) as segment_name,
    cast(segments.description as string) as description,
    cast(segments.weight as float64) as weight,
    cast(coalesce(top_customers.customers, 0) as bigint) as customers,
    cast(
        coalesce(
            case segments.segment_key
                when 's1' then membership_sums.membership_s1
                when 's2' then membership_sums.membership_s2
            end,
            0e0
        ) as float64
    ) as expected_customers
from segments
left join top_customers
    on segments.segment_key = top_customers.segment_key
cross join membership_sums
order by segments.position
