{#- How many customers each action tier has. -#}
select
    action_tier,
    max(as_of_date) as as_of_date,
    count(*) as customers
from {{ customer_segments }}
group by action_tier
order by customers desc
