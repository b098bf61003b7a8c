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
),

customer_revenue as (
    select
        customer_id,
        as_of_date,
        cast(net_spend as float64) as revenue
    from seg_customer_features
),

revenue_sums as (
    select
        sum(
            case
                when abs(customer_revenue.revenue) <= 1e100
                    then cast(scores.membership_s1 * customer_revenue.revenue as bignumeric(38, 10))
            end
        ) as revenue_s1,
        sum(
            case
                when abs(customer_revenue.revenue) <= 1e100
                    then cast(scores.membership_s2 * customer_revenue.revenue as bignumeric(38, 10))
            end
        ) as revenue_s2
    from seg_customer_scores as scores
    inner join customer_revenue
        on scores.customer_id = customer_revenue.customer_id and scores.as_of_date = customer_revenue.as_of_date
),

sizes as (
    select
        segments.model_version,
        segments.position,
        segments.segment_key,
        segments.segment_name,
        segments.description,
        segments.weight,
        coalesce(top_customers.customers, 0) as customers,
        case segments.segment_key
            when 's1' then membership_sums.membership_s1
            when 's2' then membership_sums.membership_s2
        end as expected_customers,
        case segments.segment_key
            when 's1' then revenue_sums.revenue_s1
            when 's2' then revenue_sums.revenue_s2
        end as revenue
    from segments
    left join top_customers
        on segments.segment_key = top_customers.segment_key
    cross join membership_sums
    cross join revenue_sums
),

totals as (
    select
        cast(sum(customers) as float64) as customers,
        cast(sum(expected_customers) as float64) as expected_customers,
        cast(sum(revenue) as float64) as revenue
    from sizes
)

select
    sizes.model_version,
    cast(sizes.segment_key as string) as segment_key,
    cast(sizes.segment_name as string) as segment_name,
    cast(sizes.description as string) as description,
    cast(sizes.weight as float64) as weight,
    cast(sizes.customers as bigint) as customers,
    cast(sizes.customers as float64) / nullif(totals.customers, 0e0) as customer_share,
    cast(coalesce(sizes.expected_customers, 0e0) as float64) as expected_customers,
    cast(sizes.expected_customers as float64)
    / nullif(totals.expected_customers, 0e0) as expected_share,
    cast(sizes.revenue as float64) as revenue,
    case
        when totals.revenue > 0e0 then cast(sizes.revenue as float64) / totals.revenue
    end as revenue_share,
    cast(sizes.revenue as float64)
    / nullif(cast(sizes.expected_customers as float64), 0e0) as revenue_per_customer,
    cast(null as string) as model_warning
from sizes
cross join totals
order by sizes.position asc nulls last
