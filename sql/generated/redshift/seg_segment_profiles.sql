with

measured as (
    select
        scores.membership_s1,
        scores.membership_s2,
        case when abs(cast(features.recency_days as double precision)) <= 1e100 then cast(features.recency_days as double precision) - 90.0e0 end as x_1,
        case when abs(cast(features.order_count as double precision)) <= 1e100 then cast(features.order_count as double precision) - 1.0e0 end as x_2,
        case when abs(cast(features.spend_wine as double precision)) <= 1e100 then cast(features.spend_wine as double precision) - 0.0e0 end as x_3
    from seg_customer_features as features
    inner join seg_customer_scores as scores
        on features.customer_id = scores.customer_id and features.as_of_date = scores.as_of_date
),

sums as (
    select
        sum(membership_s1) as members_s1,
        sum(membership_s2) as members_s2,
        cast(count(x_1) as double precision) as count_x_1,
        sum(x_1) as sum_x_1,
        sum(x_1 * x_1) as squares_x_1,
        sum(case when x_1 is not null then membership_s1 end) as count_x_1_s1,
        sum(membership_s1 * x_1) as sum_x_1_s1,
        sum(membership_s1 * x_1 * x_1) as squares_x_1_s1,
        sum(case when x_1 is not null then membership_s2 end) as count_x_1_s2,
        sum(membership_s2 * x_1) as sum_x_1_s2,
        sum(membership_s2 * x_1 * x_1) as squares_x_1_s2,
        cast(count(x_2) as double precision) as count_x_2,
        sum(x_2) as sum_x_2,
        sum(x_2 * x_2) as squares_x_2,
        sum(case when x_2 is not null then membership_s1 end) as count_x_2_s1,
        sum(membership_s1 * x_2) as sum_x_2_s1,
        sum(membership_s1 * x_2 * x_2) as squares_x_2_s1,
        sum(case when x_2 is not null then membership_s2 end) as count_x_2_s2,
        sum(membership_s2 * x_2) as sum_x_2_s2,
        sum(membership_s2 * x_2 * x_2) as squares_x_2_s2,
        cast(count(x_3) as double precision) as count_x_3,
        sum(x_3) as sum_x_3,
        sum(x_3 * x_3) as squares_x_3,
        sum(case when x_3 is not null then membership_s1 end) as count_x_3_s1,
        sum(membership_s1 * x_3) as sum_x_3_s1,
        sum(membership_s1 * x_3 * x_3) as squares_x_3_s1,
        sum(case when x_3 is not null then membership_s2 end) as count_x_3_s2,
        sum(membership_s2 * x_3) as sum_x_3_s2,
        sum(membership_s2 * x_3 * x_3) as squares_x_3_s2
    from measured
),

profile_s1 as (
    select
        's1' as segment_key,
        'recency_days' as feature,
        90.0e0 as shift,
        members_s1 as members,
        count_x_1_s1 as customers,
        sum_x_1_s1 as total,
        squares_x_1_s1 as squares,
        count_x_1 as population_customers,
        sum_x_1 as population_total,
        squares_x_1 as population_squares
    from sums
    union all
    select
        's1' as segment_key,
        'order_count' as feature,
        1.0e0 as shift,
        members_s1 as members,
        count_x_2_s1 as customers,
        sum_x_2_s1 as total,
        squares_x_2_s1 as squares,
        count_x_2 as population_customers,
        sum_x_2 as population_total,
        squares_x_2 as population_squares
    from sums
    union all
    select
        's1' as segment_key,
        'spend_wine' as feature,
        0.0e0 as shift,
        members_s1 as members,
        count_x_3_s1 as customers,
        sum_x_3_s1 as total,
        squares_x_3_s1 as squares,
        count_x_3 as population_customers,
        sum_x_3 as population_total,
        squares_x_3 as population_squares
    from sums
),

profile_s2 as (
    select
        's2' as segment_key,
        'recency_days' as feature,
        90.0e0 as shift,
        members_s2 as members,
        count_x_1_s2 as customers,
        sum_x_1_s2 as total,
        squares_x_1_s2 as squares,
        count_x_1 as population_customers,
        sum_x_1 as population_total,
        squares_x_1 as population_squares
    from sums
    union all
    select
        's2' as segment_key,
        'order_count' as feature,
        1.0e0 as shift,
        members_s2 as members,
        count_x_2_s2 as customers,
        sum_x_2_s2 as total,
        squares_x_2_s2 as squares,
        count_x_2 as population_customers,
        sum_x_2 as population_total,
        squares_x_2 as population_squares
    from sums
    union all
    select
        's2' as segment_key,
        'spend_wine' as feature,
        0.0e0 as shift,
        members_s2 as members,
        count_x_3_s2 as customers,
        sum_x_3_s2 as total,
        squares_x_3_s2 as squares,
        count_x_3 as population_customers,
        sum_x_3 as population_total,
        squares_x_3 as population_squares
    from sums
),

profiles as (
    select * from profile_s1
    union all
    select * from profile_s2
),

means as (
    select
        segment_key,
        feature,
        shift,
        customers >= 5e-1 * members as is_usual,
        total / nullif(customers, 0e0) as centered_mean,
        squares / nullif(customers, 0e0) as mean_square,
        population_total / nullif(population_customers, 0e0) as population_centered_mean,
        population_squares / nullif(population_customers, 0e0) as population_mean_square
    from profiles
),

deviations as (
    select
        segment_key,
        feature,
        is_usual,
        shift + centered_mean as mean,
        shift + population_centered_mean as population_mean,
        sqrt(greatest(mean_square - centered_mean * centered_mean, 0e0)) as standard_deviation,
        sqrt(
            greatest(population_mean_square - population_centered_mean * population_centered_mean, 0e0)
        ) as population_deviation
    from means
),

differences as (
    select
        segment_key,
        feature,
        is_usual,
        mean,
        standard_deviation,
        population_mean,
        (mean - population_mean) / nullif(population_deviation, 0e0) as z_score
    from deviations
)

select
    cast(segment_key as varchar) as segment_key,
    cast(feature as varchar) as feature,
    cast(mean as double precision) as mean,
    cast(standard_deviation as double precision) as standard_deviation,
    cast(population_mean as double precision) as population_mean,
    cast(1e2 * mean / nullif(population_mean, 0e0) as double precision) as index_vs_population,
    cast(z_score as double precision) as z_score,
    cast(
        row_number() over (
            partition by segment_key
            order by
                case when is_usual and z_score is not null then 0 else 1 end asc nulls last,
                coalesce(floor(1e6 * abs(z_score)), -1e0) desc nulls last,
                feature asc nulls last
        ) as integer
    ) as distinctiveness_rank
from differences
