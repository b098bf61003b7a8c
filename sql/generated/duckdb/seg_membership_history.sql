select
    customer_id,
    cast(model_version as integer) as model_version,
    cast(case
        when membership_s1 = greatest(membership_s1, membership_s2) then 's1'
        when membership_s2 = greatest(membership_s1, membership_s2) then 's2'
    end as
        varchar) as segment_key,
    membership_s1,
    membership_s2,
    log_density,
    is_outlier,
    cast(missing_features as varchar) as missing_features,
    cast(case as_of_date
        when cast('2026-06-01' as date) then 123456
    end as bigint) as order_lines,
    cast('2026-06-01 04:00:00' as timestamp) as scored_at,
    as_of_date,
    cast('known' as varchar) as basis
from seg_customer_scores
