-- Model version 1, fingerprint 17712877f4695daf: 2 segments, 3 features, full covariance. Dialect: redshift.
with

measured as (
    select
        customer_id, as_of_date,
        case when abs(cast(recency_days as double precision)) <= 1e100 then cast(recency_days as double precision) end as x_1,
        case when abs(cast(order_count as double precision)) <= 1e100 then cast(order_count as double precision) end as x_2,
        case when abs(cast(spend_wine as double precision)) <= 1e100 then cast(spend_wine as double precision) end as x_3
    from seg_customer_features
),

standardized as (
    select
        customer_id, as_of_date,
        (ln(case when x_1 < 1.0e0 then 1.0e0 else x_1 end) - 4.5e0) / 1.25e0 as z_1,
        (ln(case when x_2 < 1.0e0 then 1.0e0 else x_2 end) - 0.5e0) / 0.75e0 as z_2,
        (ln(1e0 + case when x_3 < 0.0e0 then 0.0e0 else x_3 end) - 2.0e0) / 2.0e0 as z_3,
        '' as missing_features
    from measured
    where x_1 is not null and x_2 is not null and x_3 is not null
),

whitened as (
    select
        customer_id, as_of_date,
        (z_1 + 0.75e0) * 2.0e0 as y_s1_1,
        (z_1 + 0.75e0) * -0.5163977794943222e0 + (z_2 - 0.5e0) * 1.0327955589886444e0 as y_s1_2,
        (z_1 + 0.75e0) * 0.13801311186847082e0 + (z_2 - 0.5e0) * -0.27602622373694163e0 + (z_3 - 0.5e0) * 1.0350983390135313e0 as y_s1_3,
        (z_1 - 1.25e0) * 2.0e0 as y_s2_1,
        (z_2 + 0.75e0) * 4.0e0 as y_s2_2,
        (z_3 + 0.875e0) * 1.414213562373095e0 as y_s2_3,
        missing_features
    from standardized
),

log_joint as (
    select
        customer_id, as_of_date,
        -2.4669063519875474e0 - 5e-1 * (y_s1_1 * y_s1_1 + y_s1_2 * y_s1_2 + y_s1_3 * y_s1_3) as log_joint_s1,
        -1.3116297206659357e0 - 5e-1 * (y_s2_1 * y_s2_1 + y_s2_2 * y_s2_2 + y_s2_3 * y_s2_3) as log_joint_s2,
        cast(null as boolean) as is_far,
        missing_features
    from whitened
),

standardized_1 as (
    select
        customer_id, as_of_date,
        (ln(case when x_1 < 1.0e0 then 1.0e0 else x_1 end) - 4.5e0) / 1.25e0 as z_1,
        (ln(case when x_2 < 1.0e0 then 1.0e0 else x_2 end) - 0.5e0) / 0.75e0 as z_2,
        'spend_wine' as missing_features
    from measured
    where x_1 is not null and x_2 is not null and x_3 is null
),

whitened_1 as (
    select
        customer_id, as_of_date,
        (z_1 + 0.75e0) * 2.0e0 as y_s1_1,
        (z_1 + 0.75e0) * -0.5163977794943222e0 + (z_2 - 0.5e0) * 1.0327955589886444e0 as y_s1_2,
        (z_1 - 1.25e0) * 2.0e0 as y_s2_1,
        (z_2 + 0.75e0) * 4.0e0 as y_s2_2,
        missing_features
    from standardized_1
),

log_joint_1 as (
    select
        customer_id, as_of_date,
        ln(1.2909944487358054e0) - 1.8378770664093453e0 - 5e-1 * (y_s1_1 * y_s1_1 + y_s1_2 * y_s1_2) as log_joint_s1,
        ln(3.0e0) - 1.8378770664093453e0 - 5e-1 * (y_s2_1 * y_s2_1 + y_s2_2 * y_s2_2) as log_joint_s2,
        y_s1_1 * y_s1_1 + y_s1_2 * y_s1_2 > 9.220505345319925e0 and y_s2_1 * y_s2_1 + y_s2_2 * y_s2_2 > 9.220505345319925e0 as is_far,
        missing_features
    from whitened_1
),

all_branches as (
    select
        customer_id, as_of_date,
        log_joint_s1,
        log_joint_s2,
        is_far,
        missing_features
    from log_joint
    union all
    select
        customer_id, as_of_date,
        log_joint_s1,
        log_joint_s2,
        is_far,
        missing_features
    from log_joint_1
),

with_maximum as (
    select
        customer_id, as_of_date,
        is_far,
        missing_features,
        log_joint_s1,
        log_joint_s2,
        greatest(log_joint_s1, log_joint_s2) as maximum
    from all_branches
),

shifted as (
    select
        customer_id, as_of_date,
        is_far,
        missing_features,
        exp(case when log_joint_s1 - maximum < -2e2 then -2e2 else log_joint_s1 - maximum end) as shifted_s1,
        exp(case when log_joint_s2 - maximum < -2e2 then -2e2 else log_joint_s2 - maximum end) as shifted_s2,
        maximum
    from with_maximum
),

with_total as (
    select
        customer_id, as_of_date,
        is_far,
        missing_features,
        shifted_s1,
        shifted_s2,
        shifted_s1 + shifted_s2 as total,
        maximum
    from shifted
),

memberships as (
    select
        customer_id, as_of_date,
        1 as model_version,
        shifted_s1 / total as membership_s1,
        shifted_s2 / total as membership_s2,
        maximum + ln(total) as log_density,
        is_far,
        missing_features
    from with_total
)

select
    customer_id, as_of_date,
    model_version,
    membership_s1,
    membership_s2,
    log_density,
    coalesce(is_far, log_density < -12.5e0) as is_outlier,
    missing_features
from memberships
