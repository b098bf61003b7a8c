with

paired as (
    select
        coalesce(earlier.customer_id, later.customer_id) as customer_id,
        earlier.segment_key as previous_segment_key,
        later.segment_key,
        earlier.scored_at as previous_scored_at,
        later.scored_at,
        coalesce(earlier.membership_s1, 0e0) as p_s1,
        coalesce(later.membership_s1, 0e0) as q_s1,
        coalesce(earlier.membership_s2, 0e0) as p_s2,
        coalesce(later.membership_s2, 0e0) as q_s2,
        case when earlier.customer_id is null then 1e0 else 0e0 end as p__absent,
        case when later.customer_id is null then 1e0 else 0e0 end as q__absent
    from (select *
        from seg_membership_history
        where
            as_of_date = cast('2026-05-01' as date)
            and basis = 'known'
            and model_version = 1) as earlier
    full outer join (select *
        from seg_membership_history
        where
            as_of_date = cast('2026-06-01' as date)
            and basis = 'known'
            and model_version = 1) as later
        on earlier.customer_id = later.customer_id
),

compared as (
    select
        *,
        case when p_s1 > q_s1 then p_s1 - q_s1 else 0e0 end as loss_s1,
        case when q_s1 > p_s1 then q_s1 - p_s1 else 0e0 end as gain_s1,
        case when p_s2 > q_s2 then p_s2 - q_s2 else 0e0 end as loss_s2,
        case when q_s2 > p_s2 then q_s2 - p_s2 else 0e0 end as gain_s2,
        case when p__absent > q__absent then p__absent - q__absent else 0e0 end as loss__absent,
        case when q__absent > p__absent then q__absent - p__absent else 0e0 end as gain__absent
    from paired
),

with_variation as (
    select
        *,
        loss_s1 + loss_s2 + loss__absent as total_variation
    from compared
),

-- One row: each flow is a column, so that the customers are read once.
sums as (
    select
        sum(p_s1 - loss_s1) as flow_1,
        sum(case when loss_s1 > 0e0 and gain_s2 > 0e0 then loss_s1 * (gain_s2 / total_variation) else 0e0 end) as flow_2,
        sum(case when loss_s1 > 0e0 and gain__absent > 0e0 then loss_s1 * (gain__absent / total_variation) else 0e0 end) as flow_3,
        sum(case when loss_s2 > 0e0 and gain_s1 > 0e0 then loss_s2 * (gain_s1 / total_variation) else 0e0 end) as flow_4,
        sum(p_s2 - loss_s2) as flow_5,
        sum(case when loss_s2 > 0e0 and gain__absent > 0e0 then loss_s2 * (gain__absent / total_variation) else 0e0 end) as flow_6,
        sum(case when loss__absent > 0e0 and gain_s1 > 0e0 then loss__absent * (gain_s1 / total_variation) else 0e0 end) as flow_7,
        sum(case when loss__absent > 0e0 and gain_s2 > 0e0 then loss__absent * (gain_s2 / total_variation) else 0e0 end) as flow_8,
        max(previous_scored_at) as previous_scored_at,
        max(scored_at) as scored_at
    from with_variation
),

flows as (
    select
        1 as position,
        cast('s1' as string) as previous_segment_key,
        cast('s1' as string) as segment_key
    union all
    select
        2 as position,
        cast('s1' as string) as previous_segment_key,
        cast('s2' as string) as segment_key
    union all
    select
        3 as position,
        cast('s1' as string) as previous_segment_key,
        cast(null as string) as segment_key
    union all
    select
        4 as position,
        cast('s2' as string) as previous_segment_key,
        cast('s1' as string) as segment_key
    union all
    select
        5 as position,
        cast('s2' as string) as previous_segment_key,
        cast('s2' as string) as segment_key
    union all
    select
        6 as position,
        cast('s2' as string) as previous_segment_key,
        cast(null as string) as segment_key
    union all
    select
        7 as position,
        cast(null as string) as previous_segment_key,
        cast('s1' as string) as segment_key
    union all
    select
        8 as position,
        cast(null as string) as previous_segment_key,
        cast('s2' as string) as segment_key
),

expected as (
    select
        flows.previous_segment_key,
        flows.segment_key,
        case flows.position
            when 1 then sums.flow_1
            when 2 then sums.flow_2
            when 3 then sums.flow_3
            when 4 then sums.flow_4
            when 5 then sums.flow_5
            when 6 then sums.flow_6
            when 7 then sums.flow_7
            when 8 then sums.flow_8
        end as expected_customers,
        sums.previous_scored_at,
        sums.scored_at
    from flows
    cross join sums
),

counted as (
    select
        earlier.segment_key as previous_segment_key,
        later.segment_key,
        count(*) as customers
    from (select *
        from seg_membership_history
        where
            as_of_date = cast('2026-05-01' as date)
            and basis = 'known'
            and model_version = 1) as earlier
    full outer join (select *
        from seg_membership_history
        where
            as_of_date = cast('2026-06-01' as date)
            and basis = 'known'
            and model_version = 1) as later
        on earlier.customer_id = later.customer_id
    group by earlier.segment_key, later.segment_key
)

select
    cast('2026-05-01' as date) as previous_as_of_date,
    cast('customers' as string) as cause,
    1 as previous_model_version,
    1 as model_version,
    expected.previous_segment_key,
    cast(case expected.previous_segment_key
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as string) as previous_segment_name,
    expected.segment_key,
    cast(case expected.segment_key
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as string) as segment_name,
    cast(coalesce(counted.customers, 0) as bigint) as customers,
    cast(expected.expected_customers as double) as expected_customers,
    cast(
        expected.expected_customers
        / nullif(sum(expected.expected_customers) over (partition by expected.previous_segment_key), 0e0)
        as double
    ) as share_of_previous,
    cast(
        expected.expected_customers
        / nullif(sum(expected.expected_customers) over (partition by expected.segment_key), 0e0)
        as double
    ) as share_of_segment,
    expected.previous_scored_at,
    expected.scored_at,
    cast('2026-06-01' as date) as as_of_date
from expected
left join counted
    on coalesce(expected.previous_segment_key, '') = coalesce(counted.previous_segment_key, '')
    and coalesce(expected.segment_key, '') = coalesce(counted.segment_key, '')
where
    counted.customers > 0
    or expected.expected_customers > 0e0
