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
    offset 0
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
    offset 0
),

with_variation as (
    select
        *,
        loss_s1 + loss_s2 + loss__absent as total_variation
    from compared
    offset 0
),

with_extremes as (
    select
        *,
        greatest(gain_s1, gain_s2) as largest_gain,
        greatest(loss_s1, loss_s2) as largest_loss
    from with_variation
    where
        previous_segment_key is not null
        and segment_key is not null
    offset 0
)

select
    customer_id,
    cast('2026-05-01' as date) as previous_as_of_date,
    cast('customers' as varchar) as cause,
    1 as model_version,
    cast(previous_segment_key as varchar) as previous_segment_key,
    cast(segment_key as varchar) as segment_key,
    cast(total_variation as double precision) as total_variation,
    cast(case
        when largest_gain <= 0e0 then null
        when gain_s1 = largest_gain then 's1'
        when gain_s2 = largest_gain then 's2'
    end as varchar) as most_rose_segment_key,
    cast(largest_gain as double precision) as most_rose_by,
    cast(case
        when largest_loss <= 0e0 then null
        when loss_s1 = largest_loss then 's1'
        when loss_s2 = largest_loss then 's2'
    end as varchar) as most_fell_segment_key,
    cast(largest_loss as double precision) as most_fell_by,
    previous_scored_at,
    scored_at,
    cast('2026-06-01' as date) as as_of_date
from with_extremes
