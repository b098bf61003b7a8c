{#- The segments as a run's summary shows them, the largest first. -#}
select
    segments.model_version,
    segments.segment_key,
    segments.segment_name,
    segments.description,
    segments.weight,
    segments.customers,
    segments.expected_customers,
    segments.customers * 1e0 / nullif(sum(segments.customers) over (), 0) as share,
    means.mean_membership
from {{ segments }} as segments
left join (
    select
        segment_key,
        avg(membership) as mean_membership
    from {{ customer_segments }}
    group by segment_key
) as means
    on segments.segment_key = means.segment_key
order by segments.customers desc, segments.segment_key
