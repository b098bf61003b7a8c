with

dated as (
    select
        customer_id,
        as_of_date,
        segment_key,
        lag(segment_key) over (partition by customer_id order by as_of_date asc nulls last) as previous_segment_key
    from seg_segment_history
    where as_of_date <= cast('2026-06-01' as date)
),

visits as (
    select
        customer_id,
        segment_key as segment_1,
        lead(segment_key, 1) over (partition by customer_id order by as_of_date asc nulls last)
            as segment_2,
        lead(segment_key, 2) over (partition by customer_id order by as_of_date asc nulls last)
            as segment_3,
        lead(segment_key, 3) over (partition by customer_id order by as_of_date asc nulls last)
            as segment_4,
        lead(segment_key, 4) over (partition by customer_id order by as_of_date asc nulls last)
            as segment_5
    from dated
    where
        previous_segment_key is null
        or previous_segment_key <> segment_key
),

paths as (
    select
        3 as steps,
        segment_1 || ' > ' || segment_2 || ' > ' || segment_3 as segment_keys,
        cast(case segment_1
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) || ' > ' || cast(case segment_2
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) || ' > ' || cast(case segment_3
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) as segment_names,
        segment_3 as last_segment_key,
        segment_4 as next_segment_key,
        customer_id
    from visits
    where segment_3 is not null
    union all
    select
        4 as steps,
        segment_1 || ' > ' || segment_2 || ' > ' || segment_3 || ' > ' || segment_4 as segment_keys,
        cast(case segment_1
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) || ' > ' || cast(case segment_2
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) || ' > ' || cast(case segment_3
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) || ' > ' || cast(case segment_4
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) as segment_names,
        segment_4 as last_segment_key,
        segment_5 as next_segment_key,
        customer_id
    from visits
    where segment_4 is not null
),

counted as (
    select
        steps,
        segment_keys,
        segment_names,
        last_segment_key,
        next_segment_key,
        count(*) as passages,
        count(distinct customer_id) as customers
    from paths
    group by steps, segment_keys, segment_names, last_segment_key, next_segment_key
)

select
    cast(steps as integer) as steps,
    cast(segment_keys as varchar) as segment_keys,
    cast(segment_names as varchar) as segment_names,
    cast(last_segment_key as varchar) as last_segment_key,
    cast(next_segment_key as varchar) as next_segment_key,
    cast(case next_segment_key
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) as next_segment_name,
    cast(passages as bigint) as passages,
    cast(customers as bigint) as customers,
    cast(
        cast(passages as double precision) / sum(passages) over (partition by segment_keys)
        as double precision
    ) as share_of_path,
    cast('2026-06-01 04:00:00' as timestamp) as scored_at,
    cast('2026-06-01' as date) as as_of_date
from counted
