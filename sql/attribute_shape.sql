{#- Whether a column can be compared with segments: rows beyond one per customer, and how many values it has. -#}
select
    count(*) - count(distinct customer_id) as repeated,
    count(distinct {{ column }}) as number_of_values
from {{ relation }}
