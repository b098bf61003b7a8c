{#-
    Rows of `seg_segment_paths`: which three and four segments customers went through, one after the other, and where
    they went next. Pure.

    A visit begins where the top segment differs from that of the date before. What followed is NULL where the last
    segment of the path is still theirs.

    history      relation of seg_segment_history
    as_of_date   the text YYYY-MM-DD: paths up to this date
    scored_at    the moment of the last scoring among them, as text
    names        segment key → name
-#}
{%- macro seg_path_rows(history, as_of_date, scored_at, names, dialect) -%}
{%- set text = seg_text(dialect) -%}
with

dated as (
    select
        customer_id,
        as_of_date,
        segment_key,
        lag(segment_key) over (partition by customer_id order by as_of_date asc nulls last) as previous_segment_key
    from {{ history }}
    where as_of_date <= {{ seg_date(as_of_date, dialect) }}
),

visits as (
    select
        customer_id,
        segment_key as segment_1,
        {%- for step in range(1, 5) %}
        lead(segment_key, {{ step }}) over (partition by customer_id order by as_of_date asc nulls last)
            as segment_{{ step + 1 }}{{ ',' if not loop.last }}
        {%- endfor %}
    from dated
    where
        previous_segment_key is null
        or previous_segment_key <> segment_key
),

paths as (
    {%- for steps in (3, 4) %}
    {%- set parts = [] %}
    {%- for step in range(1, steps + 1) %}{% do parts.append('segment_' ~ step) %}{% endfor %}
    select
        {{ steps }} as steps,
        {{ parts | join(" || ' > ' || ") }} as segment_keys,
        {%- set named = [] %}
        {%- for part in parts %}{% do named.append(seg_name_of_key(part, names, dialect)) %}{% endfor %}
        {{ named | join(" || ' > ' || ") }} as segment_names,
        segment_{{ steps }} as last_segment_key,
        segment_{{ steps + 1 }} as next_segment_key,
        customer_id
    from visits
    where segment_{{ steps }} is not null
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
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
    cast(segment_keys as {{ text }}) as segment_keys,
    cast(segment_names as {{ text }}) as segment_names,
    cast(last_segment_key as {{ text }}) as last_segment_key,
    cast(next_segment_key as {{ text }}) as next_segment_key,
    {{ seg_name_of_key('next_segment_key', names, dialect) }} as next_segment_name,
    cast(passages as bigint) as passages,
    cast(customers as bigint) as customers,
    cast(
        cast(passages as {{ seg_double(dialect) }}) / sum(passages) over (partition by segment_keys)
        as {{ seg_double(dialect) }}
    ) as share_of_path,
    cast({{ seg_literal(scored_at, dialect) }} as timestamp) as scored_at,
    {{ seg_date(as_of_date, dialect) }} as as_of_date
from counted
{%- endmacro -%}


{#-
    Rows of `seg_segment_durations`: how long customers stay in a segment, from what left it between neighbouring dates.
    Pure.

        h          = expected customers who left / expected customers who were there       per period
        mean time  = period / h
        half-life  = period * ln(1/2) / ln(1 - h)

    Both hold where leaving is as likely in every period; customers who are still there count as long as they were seen.
-#}
{%- macro seg_duration_rows(transitions, dialect) -%}
{%- set double = seg_double(dialect) -%}
with

followed as (
    select
        previous_segment_key as segment_key,
        max(previous_segment_name) as segment_name,
        count(distinct as_of_date) as periods,
        avg(cast({{ seg_days_between('previous_as_of_date', 'as_of_date', dialect) }} as {{ double }})) as period_days,
        sum(expected_customers) as customer_periods,
        sum(case when previous_segment_key = segment_key then 0e0 else expected_customers end) as left_customers
    from {{ transitions }}
    where
        cause = 'customers'
        and previous_segment_key is not null
        and segment_key is not null
    group by previous_segment_key
),

with_rate as (
    select
        *,
        left_customers / nullif(customer_periods, 0e0) as leaving_rate
    from followed
)

select
    segment_key,
    cast(segment_name as {{ seg_text(dialect) }}) as segment_name,
    cast(periods as integer) as periods,
    cast(customer_periods as {{ double }}) as customer_periods,
    cast(leaving_rate as {{ double }}) as leaving_rate,
    cast(period_days / nullif(leaving_rate, 0e0) as {{ double }}) as mean_days,
    cast(
        case
            when leaving_rate > 0e0 and leaving_rate < 1e0
                then period_days * ln(5e-1) / ln(1e0 - leaving_rate)
        end as {{ double }}
    ) as half_life_days
from with_rate
{%- endmacro -%}
