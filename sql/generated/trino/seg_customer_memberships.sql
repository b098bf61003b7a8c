with

segments as (
    select 's1' as segment_key
    union all
    select 's2' as segment_key
)

select
    scores.customer_id,
    scores.as_of_date,
    cast(scores.model_version as integer) as model_version,
    cast(segments.segment_key as varchar) as segment_key,
    cast(case segments.segment_key
        when 's1' then 'Regulars'
        when 's2' then 'Bought once, long ago'
    end as varchar) as segment_name,
    case segments.segment_key
        when 's1' then scores.membership_s1
        when 's2' then scores.membership_s2
    end as membership
from seg_customer_scores as scores
cross join segments
