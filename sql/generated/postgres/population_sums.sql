with

measured as (
    select
        1 as one,
        case when abs(cast(recency_days as double precision)) <= 1e100 then cast(recency_days as double precision) end as x_1,
        case when abs(cast(order_count as double precision)) <= 1e100 then cast(order_count as double precision) end as x_2,
        case when abs(cast(spend_wine as double precision)) <= 1e100 then cast(spend_wine as double precision) end as x_3
    from (select * from seg_customer_features) as features
    offset 0
),

standardized as (
    select
        (ln(case when x_1 < 1.0e0 then 1.0e0 else x_1 end) - 4.5e0) / 1.25e0 as z_1,
        (ln(case when x_2 < 1.0e0 then 1.0e0 else x_2 end) - 0.5e0) / 0.75e0 as z_2,
        (ln(1e0 + case when x_3 < 0.0e0 then 0.0e0 else x_3 end) - 2.0e0) / 2.0e0 as z_3,
        (0.23094010767585033e0 * 1e0 / (case when x_1 < 1.0e0 then 1.0e0 else x_1 end)) * (0.23094010767585033e0 * 1e0 / (case when x_1 < 1.0e0 then 1.0e0 else x_1 end)) as psi_1,
        one
    from measured
    where x_1 is not null and x_2 is not null and x_3 is not null
    offset 0
),

whitened as (
    select
        (z_1 + 0.75e0) * 2.0e0 as y_s1_1,
        (z_1 + 0.75e0) * -0.5163977794943222e0 + (z_2 - 0.5e0) * 1.0327955589886444e0 as y_s1_2,
        (z_1 + 0.75e0) * 0.13801311186847082e0 + (z_2 - 0.5e0) * -0.27602622373694163e0 + (z_3 - 0.5e0) * 1.0350983390135313e0 as y_s1_3,
        (z_1 - 1.25e0) * 2.0e0 as y_s2_1,
        (z_2 + 0.75e0) * 4.0e0 as y_s2_2,
        (z_3 + 0.875e0) * 1.414213562373095e0 as y_s2_3,
        z_1, z_2, z_3, psi_1
    from standardized
    offset 0
),

log_joint as (
    select
        z_1, z_2, z_3, psi_1, 
        -2.4669063519875474e0 - 5e-1 * (y_s1_1 * y_s1_1 + y_s1_2 * y_s1_2 + y_s1_3 * y_s1_3 + psi_1 * 4.285714285714286e0) as log_joint_s1,
        -1.3116297206659357e0 - 5e-1 * (y_s2_1 * y_s2_1 + y_s2_2 * y_s2_2 + y_s2_3 * y_s2_3 + psi_1 * 4.0e0) as log_joint_s2
    from whitened
    offset 0
),

maximum as (
    select
        z_1, z_2, z_3, psi_1, 
        log_joint_s1,
        log_joint_s2,
        greatest(log_joint_s1, log_joint_s2) as maximum
    from log_joint
    offset 0
),

shifted as (
    select
        z_1, z_2, z_3, psi_1, 
        exp(case when log_joint_s1 - maximum < -2e2 then -2e2 else log_joint_s1 - maximum end) as shifted_s1,
        exp(case when log_joint_s2 - maximum < -2e2 then -2e2 else log_joint_s2 - maximum end) as shifted_s2,
        maximum
    from maximum
    offset 0
),

total as (
    select
        z_1, z_2, z_3, psi_1, 
        shifted_s1,
        shifted_s2,
        shifted_s1 + shifted_s2 as total,
        maximum
    from shifted
    offset 0
),

memberships as (
    select
        z_1, z_2, z_3, psi_1, 
        shifted_s1 / total as membership_s1,
        shifted_s2 / total as membership_s2,
        z_1 * z_1 + psi_1 as zz_1_1,
        z_1 * z_2 as zz_1_2,
        z_1 * z_3 as zz_1_3,
        z_2 * z_2 as zz_2_2,
        z_2 * z_3 as zz_2_3,
        z_3 * z_3 as zz_3_3,
        (maximum + ln(total)) as density
    from total
    offset 0
)

select
    sum(membership_s1) as n_1,
    sum(membership_s1 * z_1) as z_1_1,
    sum(membership_s1 * zz_1_1) as zz_1_1_1,
    sum(membership_s1 * zz_1_2) as zz_1_1_2,
    sum(membership_s1 * zz_1_3) as zz_1_1_3,
    sum(membership_s1 * z_2) as z_1_2,
    sum(membership_s1 * zz_2_2) as zz_1_2_2,
    sum(membership_s1 * zz_2_3) as zz_1_2_3,
    sum(membership_s1 * z_3) as z_1_3,
    sum(membership_s1 * zz_3_3) as zz_1_3_3,
    sum(membership_s2) as n_2,
    sum(membership_s2 * z_1) as z_2_1,
    sum(membership_s2 * zz_1_1) as zz_2_1_1,
    sum(membership_s2 * zz_1_2) as zz_2_1_2,
    sum(membership_s2 * zz_1_3) as zz_2_1_3,
    sum(membership_s2 * z_2) as z_2_2,
    sum(membership_s2 * zz_2_2) as zz_2_2_2,
    sum(membership_s2 * zz_2_3) as zz_2_2_3,
    sum(membership_s2 * z_3) as z_2_3,
    sum(membership_s2 * zz_3_3) as zz_2_3_3,
    sum(density) as objective
from memberships
