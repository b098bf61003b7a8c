with

scores as (
    select
        customer_id,
        as_of_date,
        model_version,
        membership_s1,
        membership_s2,
        log_density,
        is_outlier,
        missing_features
    from seg_customer_scores
),

top_membership as (
    select
        *,
        greatest(membership_s1, membership_s2) as membership
    from scores
),

top_segment as (
    select
        *,
        case
            when membership_s1 = membership then 's1'
            when membership_s2 = membership then 's2'
        end as segment_key
    from top_membership
),

with_runner_up_membership as (
    select
        *,
        greatest(
            case when segment_key = 's1' then -1e0 else membership_s1 end,
            case when segment_key = 's2' then -1e0 else membership_s2 end
        ) as runner_up_membership
    from top_segment
),

runner_up_segment as (
    select
        *,
        case
            when segment_key <> 's1' and membership_s1 = runner_up_membership then 's1'
            when segment_key <> 's2' and membership_s2 = runner_up_membership then 's2'
        end as runner_up_segment_key
    from with_runner_up_membership
)

select
    customer_id,
    as_of_date,
    cast(model_version as integer) as model_version,
    cast(segment_key as varchar) as segment_key,
    cast(case segment_key
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) as segment_name,
    membership,
    cast(runner_up_segment_key as varchar) as runner_up_segment_key,
    cast(case runner_up_segment_key
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) as runner_up_segment_name,
    cast(runner_up_membership as double precision) as runner_up_membership,
    -(membership_s1 * ln(greatest(membership_s1, 1e-300)) + membership_s2 * ln(greatest(membership_s2, 1e-300))) as entropy,
    log_density,
    is_outlier,
    cast(case
        when membership >= 0.8e0 then 'dominant'
        when runner_up_membership >= 0.3e0 then 'hybrid'
        else 'exploratory'
    end as varchar) as action_tier,
    cast(missing_features as varchar) as missing_features
from runner_up_segment
