with

segments as (
    select
        cast('' as varchar) as pattern,
        cast('s1' as varchar) as segment_key,
        -2.4669063519875474e0 as log_norm,
        -0.75e0 as mean_1,
        0.5e0 as mean_2,
        0.5e0 as mean_3,
        4.285714285714286e0 as precision_1_1,
        -0.5714285714285713e0 as precision_1_2,
        0.14285714285714282e0 as precision_1_3,
        1.1428571428571426e0 as precision_2_2,
        -0.28571428571428564e0 as precision_2_3,
        1.0714285714285714e0 as precision_3_3
    union all
    select
        cast('' as varchar) as pattern,
        cast('s2' as varchar) as segment_key,
        -1.3116297206659357e0 as log_norm,
        1.25e0 as mean_1,
        -0.75e0 as mean_2,
        -0.875e0 as mean_3,
        4.0e0 as precision_1_1,
        0.0e0 as precision_1_2,
        0.0e0 as precision_1_3,
        16.0e0 as precision_2_2,
        0.0e0 as precision_2_3,
        1.9999999999999996e0 as precision_3_3
),

differences as (
    select
        top_segment.pattern,
        top_segment.segment_key,
        runner_up.segment_key as runner_up_segment_key,
        top_segment.log_norm - runner_up.log_norm as log_norm,
        5e-1 * (top_segment.mean_1 + runner_up.mean_1) as midpoint_1,
        5e-1 * (top_segment.mean_1 - runner_up.mean_1) as half_1,
        5e-1 * (top_segment.mean_2 + runner_up.mean_2) as midpoint_2,
        5e-1 * (top_segment.mean_2 - runner_up.mean_2) as half_2,
        5e-1 * (top_segment.mean_3 + runner_up.mean_3) as midpoint_3,
        5e-1 * (top_segment.mean_3 - runner_up.mean_3) as half_3,
        runner_up.precision_1_1 + top_segment.precision_1_1 as precisions_1_1,
        runner_up.precision_1_1 - top_segment.precision_1_1 as curvature_1_1,
        runner_up.precision_1_2 + top_segment.precision_1_2 as precisions_1_2,
        runner_up.precision_1_2 - top_segment.precision_1_2 as curvature_1_2,
        runner_up.precision_1_3 + top_segment.precision_1_3 as precisions_1_3,
        runner_up.precision_1_3 - top_segment.precision_1_3 as curvature_1_3,
        runner_up.precision_2_2 + top_segment.precision_2_2 as precisions_2_2,
        runner_up.precision_2_2 - top_segment.precision_2_2 as curvature_2_2,
        runner_up.precision_2_3 + top_segment.precision_2_3 as precisions_2_3,
        runner_up.precision_2_3 - top_segment.precision_2_3 as curvature_2_3,
        runner_up.precision_3_3 + top_segment.precision_3_3 as precisions_3_3,
        runner_up.precision_3_3 - top_segment.precision_3_3 as curvature_3_3
    from segments as top_segment
    inner join segments as runner_up
        on top_segment.pattern = runner_up.pattern and top_segment.segment_key <> runner_up.segment_key
),

pairs as (
    select
        pattern,
        segment_key,
        runner_up_segment_key,
        log_norm + 5e-1 * (
            half_1 * (curvature_1_1 * half_1 + curvature_1_2 * half_2 + curvature_1_3 * half_3)
            + half_2 * (curvature_1_2 * half_1 + curvature_2_2 * half_2 + curvature_2_3 * half_3)
            + half_3 * (curvature_1_3 * half_1 + curvature_2_3 * half_2 + curvature_3_3 * half_3)
        ) as base_log_odds,
        midpoint_1,
        precisions_1_1 * half_1 + precisions_1_2 * half_2 + precisions_1_3 * half_3 as slope_1,
        midpoint_2,
        precisions_1_2 * half_1 + precisions_2_2 * half_2 + precisions_2_3 * half_3 as slope_2,
        midpoint_3,
        precisions_1_3 * half_1 + precisions_2_3 * half_2 + precisions_3_3 * half_3 as slope_3,
        curvature_1_1,
        curvature_1_2,
        curvature_1_3,
        curvature_2_2,
        curvature_2_3,
        curvature_3_3
    from differences
),

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
            else case when x_1 is null then '1' else '0' end || case when x_2 is null then '1' else '0' end || case when x_3 is null then '1' else '0' end
        end as pattern
    from measured
),

compared as (
    select
        customer_segments.customer_id,
        customer_segments.as_of_date,
        customer_segments.model_version,
        customer_segments.segment_key,
        customer_segments.runner_up_segment_key,
        pairs.base_log_odds,
        coalesce(standardized.z_1 - pairs.midpoint_1, 0e0) as deviation_1,
        pairs.slope_1,
        coalesce(standardized.z_2 - pairs.midpoint_2, 0e0) as deviation_2,
        pairs.slope_2,
        coalesce(standardized.z_3 - pairs.midpoint_3, 0e0) as deviation_3,
        pairs.slope_3,
        pairs.curvature_1_1,
        pairs.curvature_1_2,
        pairs.curvature_1_3,
        pairs.curvature_2_2,
        pairs.curvature_2_3,
        pairs.curvature_3_3
    from seg_customer_segments as customer_segments
    inner join standardized
        on
            customer_segments.customer_id = standardized.customer_id
            and customer_segments.as_of_date = standardized.as_of_date
    left join pairs
        on
            standardized.pattern = pairs.pattern
            and customer_segments.segment_key = pairs.segment_key
            and customer_segments.runner_up_segment_key = pairs.runner_up_segment_key
),

contributions as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds,
        deviation_1 * (slope_1 + 5e-1 * (curvature_1_1 * deviation_1 + curvature_1_2 * deviation_2 + curvature_1_3 * deviation_3)) as contribution_1,
        deviation_1,
        deviation_2 * (slope_2 + 5e-1 * (curvature_1_2 * deviation_1 + curvature_2_2 * deviation_2 + curvature_2_3 * deviation_3)) as contribution_2,
        deviation_2,
        deviation_3 * (slope_3 + 5e-1 * (curvature_1_3 * deviation_1 + curvature_2_3 * deviation_2 + curvature_3_3 * deviation_3)) as contribution_3,
        deviation_3
    from compared
),

strength_1 as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds,
        contribution_1,
        deviation_1,
        contribution_2,
        deviation_2,
        contribution_3,
        deviation_3,
        greatest(
            0e0,
            contribution_1,
            contribution_2,
            contribution_3
        ) as largest_1
    from contributions
),

reason_1 as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds,
        contribution_1,
        deviation_1,
        contribution_2,
        deviation_2,
        contribution_3,
        deviation_3,
        largest_1,
        case
            when largest_1 = 0e0 then 0
            when contribution_1 = largest_1 then 1
            when contribution_2 = largest_1 then 2
            when contribution_3 = largest_1 then 3
            else 0
        end as position_1
    from strength_1
),

strength_2 as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds,
        contribution_1,
        deviation_1,
        contribution_2,
        deviation_2,
        contribution_3,
        deviation_3,
        largest_1,
        position_1,
        greatest(
            0e0,
            case when 1 in (position_1) then 0e0 else contribution_1 end,
            case when 2 in (position_1) then 0e0 else contribution_2 end,
            case when 3 in (position_1) then 0e0 else contribution_3 end
        ) as largest_2
    from reason_1
),

reason_2 as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds,
        contribution_1,
        deviation_1,
        contribution_2,
        deviation_2,
        contribution_3,
        deviation_3,
        largest_1,
        position_1,
        largest_2,
        case
            when largest_2 = 0e0 then 0
            when position_1 <> 1 and contribution_1 = largest_2 then 1
            when position_1 <> 2 and contribution_2 = largest_2 then 2
            when position_1 <> 3 and contribution_3 = largest_2 then 3
            else 0
        end as position_2
    from strength_2
),

strength_3 as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds,
        contribution_1,
        deviation_1,
        contribution_2,
        deviation_2,
        contribution_3,
        deviation_3,
        largest_1,
        position_1,
        largest_2,
        position_2,
        greatest(
            0e0,
            case when 1 in (position_1, position_2) then 0e0 else contribution_1 end,
            case when 2 in (position_1, position_2) then 0e0 else contribution_2 end,
            case when 3 in (position_1, position_2) then 0e0 else contribution_3 end
        ) as largest_3
    from reason_2
),

reason_3 as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds,
        contribution_1,
        deviation_1,
        contribution_2,
        deviation_2,
        contribution_3,
        deviation_3,
        largest_1,
        position_1,
        largest_2,
        position_2,
        largest_3,
        case
            when largest_3 = 0e0 then 0
            when position_1 <> 1 and position_2 <> 1 and contribution_1 = largest_3 then 1
            when position_1 <> 2 and position_2 <> 2 and contribution_2 = largest_3 then 2
            when position_1 <> 3 and position_2 <> 3 and contribution_3 = largest_3 then 3
            else 0
        end as position_3
    from strength_3
),

named as (
    select
        customer_id, as_of_date,
        model_version, segment_key, runner_up_segment_key,
        base_log_odds + contribution_1 + contribution_2 + contribution_3 as log_odds,
        base_log_odds,
        case position_1
            when 1 then 'recency_days'
            when 2 then 'order_count'
            when 3 then 'spend_wine'
        end as reason_1_feature,
        case
            when position_1 = 1 and deviation_1 > 0e0 then 'high'
            when position_1 = 2 and deviation_2 > 0e0 then 'high'
            when position_1 = 3 and deviation_3 > 0e0 then 'high'
            when position_1 > 0 then 'low'
        end as reason_1_direction,
        case when position_1 > 0 then largest_1 end as reason_1_log_odds,
        case position_2
            when 1 then 'recency_days'
            when 2 then 'order_count'
            when 3 then 'spend_wine'
        end as reason_2_feature,
        case
            when position_2 = 1 and deviation_1 > 0e0 then 'high'
            when position_2 = 2 and deviation_2 > 0e0 then 'high'
            when position_2 = 3 and deviation_3 > 0e0 then 'high'
            when position_2 > 0 then 'low'
        end as reason_2_direction,
        case when position_2 > 0 then largest_2 end as reason_2_log_odds,
        case position_3
            when 1 then 'recency_days'
            when 2 then 'order_count'
            when 3 then 'spend_wine'
        end as reason_3_feature,
        case
            when position_3 = 1 and deviation_1 > 0e0 then 'high'
            when position_3 = 2 and deviation_2 > 0e0 then 'high'
            when position_3 = 3 and deviation_3 > 0e0 then 'high'
            when position_3 > 0 then 'low'
        end as reason_3_direction,
        case when position_3 > 0 then largest_3 end as reason_3_log_odds,
        case when 1 in (position_1, position_2, position_3) then 0e0 else contribution_1 end + case when 2 in (position_1, position_2, position_3) then 0e0 else contribution_2 end + case when 3 in (position_1, position_2, position_3) then 0e0 else contribution_3 end as other_log_odds
    from reason_3
)

select
    customer_id, as_of_date,
    cast(model_version as integer) as model_version,
    cast(segment_key as varchar) as segment_key,
    cast(runner_up_segment_key as varchar) as runner_up_segment_key,
    cast(log_odds as double) as log_odds,
    cast(base_log_odds as double) as base_log_odds,
    cast(reason_1_feature as varchar) as reason_1_feature,
    cast(reason_1_direction as varchar) as reason_1_direction,
    cast(reason_1_log_odds as double) as reason_1_log_odds,
    cast(reason_2_feature as varchar) as reason_2_feature,
    cast(reason_2_direction as varchar) as reason_2_direction,
    cast(reason_2_log_odds as double) as reason_2_log_odds,
    cast(reason_3_feature as varchar) as reason_3_feature,
    cast(reason_3_direction as varchar) as reason_3_direction,
    cast(reason_3_log_odds as double) as reason_3_log_odds,
    cast(other_log_odds as double) as other_log_odds,
    cast(
        case
            when base_log_odds is not null then
                coalesce(reason_1_feature || ' ' || reason_1_direction, '')
                || case
                    when reason_2_log_odds >= 1e-1 * reason_1_log_odds
                        then ', ' || reason_2_feature || ' ' || reason_2_direction
                    else ''
                end
                || case
                    when reason_3_log_odds >= 1e-1 * reason_1_log_odds
                        then ', ' || reason_3_feature || ' ' || reason_3_direction
                    else ''
                end
        end as varchar
    ) as reasons
from named
