{#-
    The features of every customer on each of some dates: those of their last change before it, with the days since an
    order grown since.

    features   one row per customer, as of their last change before these dates; none at the first ones
    changes    one row per customer and date of change among these dates
-#}
{%- set age = seg_days_between("valid.changed_on", "dates.as_of_date", dialect) -%}
with

dates as (
    {%- for day in dates %}
    select {{ seg_date(day, dialect) }} as as_of_date
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}
),

first_changes as (
    select
        customer_id,
        min(as_of_date) as next_change_on
    from {{ changes }}
    group by customer_id
),

valid as (
    select
        customer_id,
        as_of_date as changed_on,
        lead(as_of_date) over (partition by customer_id order by as_of_date asc nulls last) as next_change_on,
        {{ columns | join(",\n        ") }}
    from {{ changes }}
    {%- if features %}
    union all
    select
        features.customer_id,
        features.as_of_date as changed_on,
        first_changes.next_change_on,
        features.{{ columns | join(",\n        features.") }}
    from {{ features }} as features
    left join first_changes
        on features.customer_id = first_changes.customer_id
    {%- endif %}
)

select
    valid.customer_id,
    dates.as_of_date,
    {%- for name in columns %}
    valid.{{ name }}{{ " + " ~ age ~ " as " ~ name if name in ("recency_days", "tenure_days") }}
    {{- "," if not loop.last }}
    {%- endfor %}
from valid
inner join dates
    on valid.changed_on <= dates.as_of_date
    and (valid.next_change_on is null or valid.next_change_on > dates.as_of_date)
