-- Model version 1, fingerprint 4742436c86ff3366: 2 segments, 3 features, full covariance. Dialect: postgres.
with

measured as (
    select
        customer_id, as_of_date,
        cast(recency_days as double precision) as x_1,
        cast(order_count as double precision) as x_2,
        cast(spend_wine as double precision) as x_3
    from seg_customer_features
    offset 0
),

standardized as (
    select
        customer_id, as_of_date,
        (ln(greatest(case when abs(x_1) <= 1e100 then x_1 else 90.0e0 end, 1.0e0)) - 4.5e0) / 1.25e0 as z_1,
        (ln(greatest(case when abs(x_2) <= 1e100 then x_2 else 1.0e0 end, 1.0e0)) - 0.5e0) / 0.75e0 as z_2,
        (ln(1e0 + greatest(case when abs(x_3) <= 1e100 then x_3 else 0.0e0 end, 0.0e0)) - 2.0e0) / 2.0e0 as z_3,
        case
            when abs(x_1) <= 1e100 and abs(x_2) <= 1e100 and abs(x_3) <= 1e100 then ''
            else substr(
                case when abs(x_1) <= 1e100 then '' else ', recency_days' end ||
                case when abs(x_2) <= 1e100 then '' else ', order_count' end ||
                case when abs(x_3) <= 1e100 then '' else ', spend_wine' end, 3
            )
        end as missing_features
    from measured
    offset 0
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
    offset 0
),

log_joint as (
    select
        customer_id, as_of_date,
        -2.4669063519875474e0 - 5e-1 * (y_s1_1 * y_s1_1 + y_s1_2 * y_s1_2 + y_s1_3 * y_s1_3) as log_joint_s1,
        -1.3116297206659357e0 - 5e-1 * (y_s2_1 * y_s2_1 + y_s2_2 * y_s2_2 + y_s2_3 * y_s2_3) as log_joint_s2,
        missing_features
    from whitened
    offset 0
),

maximum as (
    select
        customer_id, as_of_date,
        log_joint_s1,
        log_joint_s2,
        greatest(log_joint_s1, log_joint_s2) as maximum,
        missing_features
    from log_joint
    offset 0
),

shifted as (
    select
        customer_id, as_of_date,
        exp(greatest(log_joint_s1 - maximum, -2e2)) as shifted_s1,
        exp(greatest(log_joint_s2 - maximum, -2e2)) as shifted_s2,
        maximum,
        missing_features
    from maximum
    offset 0
),

total as (
    select
        customer_id, as_of_date,
        shifted_s1,
        shifted_s2,
        shifted_s1 + shifted_s2 as total,
        maximum,
        missing_features
    from shifted
    offset 0
),

memberships as (
    select
        customer_id, as_of_date,
        1 as model_version,
        shifted_s1 / total as membership_s1,
        shifted_s2 / total as membership_s2,
        maximum + ln(total) as log_density,
        missing_features
    from total
)

select
    customer_id, as_of_date,
    model_version,
    membership_s1,
    membership_s2,
    log_density,
    missing_features
from memberships
