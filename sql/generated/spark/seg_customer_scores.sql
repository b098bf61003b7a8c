-- Model version 1, fingerprint 17712877f4695daf: 2 segments, 3 features, full covariance. Dialect: spark.
with

measured as (
    select
        customer_id, as_of_date,
        case when abs(cast(recency_days as double)) <= 1e100 then cast(recency_days as double) end as x_1,
        case when abs(cast(order_count as double)) <= 1e100 then cast(order_count as double) end as x_2,
        case when abs(cast(spend_wine as double)) <= 1e100 then cast(spend_wine as double) end as x_3
    from seg_customer_features
),

standardized as (
    select
        customer_id, as_of_date,
        (ln(case when x_1 < 1.0e0 then 1.0e0 else x_1 end) - 4.5e0) / 1.25e0 as z_1,
        (ln(case when x_2 < 1.0e0 then 1.0e0 else x_2 end) - 0.5e0) / 0.75e0 as z_2,
        (ln(1e0 + case when x_3 < 0.0e0 then 0.0e0 else x_3 end) - 2.0e0) / 2.0e0 as z_3,
        case
            when x_1 is not null and x_2 is not null and x_3 is not null then ''
            else substr(
                case when x_1 is not null then '' else ', recency_days' end ||
                case when x_2 is not null then '' else ', order_count' end ||
                case when x_3 is not null then '' else ', spend_wine' end, 3
            )
        end as missing_features
    from measured
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
        missing_features
    from whitened
),

with_maximum as (
    select
        customer_id, as_of_date,
        missing_features,
        log_joint_s1,
        log_joint_s2,
        greatest(log_joint_s1, log_joint_s2) as maximum
    from log_joint
),

shifted as (
    select
        customer_id, as_of_date,
        missing_features,
        exp(log_joint_s1 - maximum) as shifted_s1,
        exp(log_joint_s2 - maximum) as shifted_s2,
        maximum
    from with_maximum
),

with_total as (
    select
        customer_id, as_of_date,
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
        missing_features
    from with_total
)

select
    customer_id, as_of_date,
    model_version,
    membership_s1,
    membership_s2,
    log_density,
    log_density < -12.5e0 as is_outlier,
    missing_features
from memberships
