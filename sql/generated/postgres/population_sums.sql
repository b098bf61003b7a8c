with

measured as (
    select
        1e0 as customer_weight,
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
        (0.23094010767585033e0 * 1e0 / (case when x_1 < 1.0e0 then 1.0e0 else x_1 end)) * (0.23094010767585033e0 * 1e0 / (case when x_1 < 1.0e0 then 1.0e0 else x_1 end)) as rounding_variance_1,
        customer_weight
    from measured
    where x_1 is not null and x_2 is not null and x_3 is not null
    offset 0
),

with_moments as (
    select
        z_1,
        z_2,
        z_3,
        z_1 * z_1 + rounding_variance_1 as zz_1_1,
        z_1 * z_2 as zz_1_2,
        z_1 * z_3 as zz_1_3,
        z_2 * z_2 as zz_2_2,
        z_2 * z_3 as zz_2_3,
        z_3 * z_3 as zz_3_3,
        customer_weight
    from standardized
    offset 0
),

log_joint as (
    select
        z_1, z_2, z_3, zz_1_1, zz_1_2, zz_1_3, zz_2_2, zz_2_3, zz_3_3,
        -4.0383349234161185e0 + z_1 * -3.4285714285714284e0 + z_2 * 0.857142857142857e0 + z_3 * 0.28571428571428575e0 + zz_1_1 * -2.142857142857143e0 + zz_1_2 * 0.5714285714285713e0 + zz_1_3 * -0.14285714285714282e0 + zz_2_2 * -0.5714285714285713e0 + zz_2_3 * 0.28571428571428564e0 + zz_3_3 * -0.5357142857142857e0 as log_joint_1,
        -9.702254720665938e0 + z_1 * 5.0e0 + z_2 * -12.0e0 + z_3 * -1.7499999999999996e0 + zz_1_1 * -2.0e0 + zz_2_2 * -8.0e0 + zz_3_3 * -0.9999999999999998e0 as log_joint_2
    from with_moments
    offset 0
),

with_maximum as (
    select
        z_1,
        z_2,
        z_3,
        zz_1_1,
        zz_1_2,
        zz_1_3,
        zz_2_2,
        zz_2_3,
        zz_3_3,
        log_joint_1,
        log_joint_2,
        greatest(log_joint_1, log_joint_2) as maximum
    from log_joint
    offset 0
),

shifted as (
    select
        z_1,
        z_2,
        z_3,
        zz_1_1,
        zz_1_2,
        zz_1_3,
        zz_2_2,
        zz_2_3,
        zz_3_3,
        exp(case when log_joint_1 - maximum < -2e2 then -2e2 else log_joint_1 - maximum end) as shifted_1,
        exp(case when log_joint_2 - maximum < -2e2 then -2e2 else log_joint_2 - maximum end) as shifted_2,
        maximum
    from with_maximum
    offset 0
),

with_total as (
    select
        z_1,
        z_2,
        z_3,
        zz_1_1,
        zz_1_2,
        zz_1_3,
        zz_2_2,
        zz_2_3,
        zz_3_3,
        shifted_1,
        shifted_2,
        shifted_1 + shifted_2 as total,
        maximum
    from shifted
    offset 0
),

memberships as (
    select
        z_1, z_2, z_3, zz_1_1, zz_1_2, zz_1_3, zz_2_2, zz_2_3, zz_3_3,
        shifted_1 / total as membership_1,
        shifted_2 / total as membership_2,
        (maximum + ln(total)) as density
    from with_total
    offset 0
)

select
    sum(membership_1) as n_1,
    sum(membership_1 * z_1) as z_1_1,
    sum(membership_1 * z_2) as z_1_2,
    sum(membership_1 * z_3) as z_1_3,
    sum(membership_1 * zz_1_1) as zz_1_1_1,
    sum(membership_1 * zz_1_2) as zz_1_1_2,
    sum(membership_1 * zz_1_3) as zz_1_1_3,
    sum(membership_1 * zz_2_2) as zz_1_2_2,
    sum(membership_1 * zz_2_3) as zz_1_2_3,
    sum(membership_1 * zz_3_3) as zz_1_3_3,
    sum(membership_2) as n_2,
    sum(membership_2 * z_1) as z_2_1,
    sum(membership_2 * z_2) as z_2_2,
    sum(membership_2 * z_3) as z_2_3,
    sum(membership_2 * zz_1_1) as zz_2_1_1,
    sum(membership_2 * zz_1_2) as zz_2_1_2,
    sum(membership_2 * zz_1_3) as zz_2_1_3,
    sum(membership_2 * zz_2_2) as zz_2_2_2,
    sum(membership_2 * zz_2_3) as zz_2_2_3,
    sum(membership_2 * zz_3_3) as zz_2_3_3,
    sum(density) as objective
from memberships
