with

present as (
    select
        features.*,
        case customer_segments.segment_key
            when 's1' then 1
            when 's2' then 2
        end as current_position,
        case customer_segments.action_tier
            when 'dominant' then 1
            when 'hybrid' then 2
            when 'exploratory' then 3
        end as current_tier
    from seg_customer_features as features
    inner join seg_customer_segments as customer_segments
        on features.customer_id = customer_segments.customer_id
),

digits as (
    select 0 as digit
    union all
    select 1 as digit
    union all
    select 2 as digit
    union all
    select 3 as digit
    union all
    select 4 as digit
    union all
    select 5 as digit
    union all
    select 6 as digit
    union all
    select 7 as digit
    union all
    select 8 as digit
    union all
    select 9 as digit
),

days_to_come as (
    select hundreds.digit * 100 + tens.digit * 10 + units.digit + 1 as days_later
    from digits as hundreds
    cross join digits as tens
    cross join digits as units
    where hundreds.digit * 100 + tens.digit * 10 + units.digit + 1 <= 90
),

measured as (
    select
        customer_id, as_of_date, recency_days, tenure_days, current_position, current_tier,
        case when abs(cast(recency_days as double precision)) <= 1e100 then cast(recency_days as double precision) end as x_1,
        case when abs(cast(order_count as double precision)) <= 1e100 then cast(order_count as double precision) end as x_2,
        case when abs(cast(spend_wine as double precision)) <= 1e100 then cast(spend_wine as double precision) end as x_3
    from present
    offset 0
),

standardized as (
    select
        customer_id, as_of_date, recency_days, tenure_days, current_position, current_tier,
        0e0
            as z_1,
        (ln(case when x_2 < 1.0e0 then 1.0e0 else x_2 end) - 0.5e0) / 0.75e0
            as z_2,
        (ln(1e0 + case when x_3 < 0.0e0 then 0.0e0 else x_3 end) - 2.0e0) / 2.0e0
            as z_3,
        '' as missing_features
    from measured
    offset 0
),

whitened as (
    select
        customer_id, as_of_date, recency_days, tenure_days, current_position, current_tier,
        (z_1 + 0.75e0) * 2.0e0 as y_s1_1,
        (z_1 + 0.75e0) * -0.5163977794943222e0 + (z_2 - 0.5e0) * 1.0327955589886444e0 as y_s1_2,
        (z_1 + 0.75e0) * 0.13801311186847082e0 + (z_2 - 0.5e0) * -0.27602622373694163e0 + (z_3 - 0.5e0) * 1.0350983390135313e0 as y_s1_3,
        (z_1 - 1.25e0) * 2.0e0 as y_s2_1,
        (z_2 + 0.75e0) * 4.0e0 as y_s2_2,
        (z_3 + 0.875e0) * 1.414213562373095e0 as y_s2_3,
        missing_features
    from standardized
    offset 0
),

coefficients as (
    select
        customer_id, as_of_date, recency_days, tenure_days, current_position, current_tier,
        -2.4669063519875474e0 - 5e-1 * (y_s1_1 * y_s1_1 + y_s1_2 * y_s1_2 + y_s1_3 * y_s1_3) as a_s1,
        -(y_s1_1 * 2.0e0 + y_s1_2 * -0.5163977794943222e0 + y_s1_3 * 0.13801311186847082e0) as b_s1_1,
        -1.3116297206659357e0 - 5e-1 * (y_s2_1 * y_s2_1 + y_s2_2 * y_s2_2 + y_s2_3 * y_s2_3) as a_s2,
        -(y_s2_1 * 2.0e0 + y_s2_2 * 0.0e0 + y_s2_3 * 0.0e0) as b_s2_1
    from whitened
    offset 0
),

days_ahead as (
    select
        coefficients.customer_id,
        coefficients.as_of_date,
        coefficients.current_position,
        coefficients.current_tier,
        days_to_come.days_later,
        coefficients.a_s1,
        coefficients.b_s1_1,
        coefficients.a_s2,
        coefficients.b_s2_1,
        coefficients.recency_days + days_to_come.days_later as recency_days,
        coefficients.tenure_days + days_to_come.days_later as tenure_days
    from coefficients as coefficients
    cross join days_to_come
    offset 0
),

moved as (
    select
        customer_id, as_of_date, current_position, current_tier, days_later,
        a_s1,
        b_s1_1,
        a_s2,
        b_s2_1,
        (ln(case when (case when abs(cast(recency_days as double precision)) <= 1e100 then cast(recency_days as double precision) end) < 1.0e0 then 1.0e0 else (case when abs(cast(recency_days as double precision)) <= 1e100 then cast(recency_days as double precision) end) end) - 4.5e0) / 1.25e0 as z_1
    from days_ahead
    offset 0
),

future as (
    select
        customer_id, as_of_date, current_position, current_tier, days_later,
        a_s1
        + z_1 * (b_s1_1 - 2.142857142857143e0 * z_1) as log_joint_s1,
        a_s2
        + z_1 * (b_s2_1 - 2.0e0 * z_1) as log_joint_s2
    from moved
    offset 0
),

all_branches as (
    select
        customer_id, as_of_date, current_position, current_tier, days_later,
        log_joint_s1,
        log_joint_s2
    from future
),

with_maximum as (
    select
        *,
        greatest(log_joint_s1, log_joint_s2) as maximum
    from all_branches
    offset 0
),

-- A number in the place of the key: texts for every customer and day take longer than all the rest.
with_position as (
    select
        *,
        case
            when log_joint_s1 = maximum then 1
            when log_joint_s2 = maximum then 2
        end as position
    from with_maximum
    offset 0
),

with_runner_up as (
    select
        *,
        exp(case when greatest(case when position = 1 then -1e300 else log_joint_s1 end, case when position = 2 then -1e300 else log_joint_s2 end) - maximum < -2e2 then -2e2 else greatest(case when position = 1 then -1e300 else log_joint_s1 end, case when position = 2 then -1e300 else log_joint_s2 end) - maximum end) as odds_of_runner_up
    from with_position
    offset 0
),

-- Whoever is dominant today, and has the same segment so far ahead that it is dominant whatever the others are, changes
-- nothing on that day.
possible_changes as (
    select *
    from with_runner_up
    where
        position <> current_position
        or current_tier <> 1
        or 1 * odds_of_runner_up > 1e0 / 0.8e0 - 1e0
),

with_total as (
    select
        customer_id, as_of_date, current_position, current_tier, days_later,
        position,
        odds_of_runner_up,
        exp(case when log_joint_s1 - maximum < -2e2 then -2e2 else log_joint_s1 - maximum end) + exp(case when log_joint_s2 - maximum < -2e2 then -2e2 else log_joint_s2 - maximum end) as total
    from possible_changes
    offset 0
),

with_memberships as (
    select
        customer_id, as_of_date, current_position, current_tier, days_later,
        position,
        1e0 / total as membership,
        odds_of_runner_up / total as runner_up_membership
    from with_total
    offset 0
),

with_tier as (
    select
        customer_id, as_of_date, current_position, current_tier, days_later,
        position,
        case case
            when membership >= 0.8e0 then 'dominant'
            when runner_up_membership >= 0.3e0 then 'hybrid'
            else 'exploratory'
        end
            when 'dominant' then 1
            when 'hybrid' then 2
            when 'exploratory' then 3
        end as tier
    from with_memberships
    offset 0
),

-- The day before what comes on it, in one number: the least is that of the first day.
first_changes as (
    select
        customer_id,
        min(case when position <> current_position then days_later * 1000 + position end) as next_segment,
        min(case when tier <> current_tier then days_later * 1000 + tier end) as next_tier
    from with_tier
    group by customer_id
)

select
    present.customer_id,
    present.as_of_date,
    1 as model_version,
    cast(case present.current_position
        when 1 then 's1'
        when 2 then 's2'
    end as varchar) as segment_key,
    cast(present.as_of_date + cast(floor(first_changes.next_segment / 1000) as integer) as date) as next_segment_date,
    cast(case mod(first_changes.next_segment, 1000)
        when 1 then 's1'
        when 2 then 's2'
    end as varchar) as next_segment_key,
    cast(case mod(first_changes.next_segment, 1000)
        when 1 then 'Regulars'
        when 2 then 'Bought once, long ago'
    end as varchar)
        as next_segment_name,
    cast(case present.current_tier
        when 1 then 'dominant'
        when 2 then 'hybrid'
        when 3 then 'exploratory'
    end as varchar) as action_tier,
    cast(present.as_of_date + cast(floor(first_changes.next_tier / 1000) as integer) as date) as next_tier_date,
    cast(case mod(first_changes.next_tier, 1000)
        when 1 then 'dominant'
        when 2 then 'hybrid'
        when 3 then 'exploratory'
    end as varchar) as next_action_tier
from present
left join first_changes
    on present.customer_id = first_changes.customer_id
