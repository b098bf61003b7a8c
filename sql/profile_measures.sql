{#- What sets each segment apart, the most distinctive first. -#}
select
    segment_key,
    feature,
    mean,
    population_mean,
    index_vs_population,
    z_score,
    distinctiveness_rank
from {{ profiles }}
order by segment_key, distinctiveness_rank
