{#- Up to which day the order history goes, and how many days before that it begins. -#}
select
    max(as_of_date) as as_of_date,
    max(tenure_days) as tenure_days
from {{ rfm }}
