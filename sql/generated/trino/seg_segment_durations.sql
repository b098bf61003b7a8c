with

followed as (
    select
        previous_segment_key as segment_key,
        max(previous_segment_name) as segment_name,
        count(distinct as_of_date) as periods,
        avg(cast(date_diff('day', previous_as_of_date, as_of_date) as double)) as period_days,
        sum(expected_customers) as customer_periods,
        sum(case when previous_segment_key = segment_key then 0e0 else expected_customers end) as left_customers
    from seg_segment_transitions
    where
        cause = 'customers'
        and previous_segment_key is not null
        and segment_key is not null
    group by previous_segment_key
),

with_rate as (
    select
        *,
        left_customers / nullif(customer_periods, 0e0) as leaving_rate
    from followed
)

select
    segment_key,
    cast(segment_name as varchar) as segment_name,
    cast(periods as integer) as periods,
    cast(customer_periods as double) as customer_periods,
    cast(leaving_rate as double) as leaving_rate,
    cast(period_days / nullif(leaving_rate, 0e0) as double) as mean_days,
    cast(
        case
            when leaving_rate > 0e0 and leaving_rate < 1e0
                then period_days * ln(5e-1) / ln(1e0 - leaving_rate)
        end as double
    ) as half_life_days
from with_rate
