{#-
    Rows of `seg_membership_history`: the scores of one date under one model. Pure.

    components         of the model that gave the scores
    scores             relation of them, as seg_mixture_scores makes it
    keys               of all segments that have a column in the table, in its order
    order_lines        date (text YYYY-MM-DD) → how many order lines were known of it; none without order lines
    scored_at          the text YYYY-MM-DD HH:MM:SS.ffffff, in UTC
    basis              `known`: what was known when the date was scored; `previous_model`: the same under the model
                       of the date before, where the model has changed, to tell its change from the customers';
                       `restated`: what is known of the date now
-#}
{%- macro seg_membership_rows(
    components, scores, keys, order_lines, scored_at, basis, dialect
) -%}
{%- set own_keys = components | map(attribute='segment_key') | list -%}
select
    customer_id,
    cast(model_version as integer) as model_version,
    cast({{ seg_top_segment(components, seg_largest_membership(components), dialect) | indent(4) }} as
        {{ seg_text(dialect) }}) as segment_key,
    {%- for key in keys %}
    {{ 'membership_' ~ key if key in own_keys else 'cast(null as ' ~ seg_double(dialect) ~ ') as membership_' ~ key }},
    {%- endfor %}
    log_density,
    is_outlier,
    cast(missing_features as {{ seg_text(dialect) }}) as missing_features,
    {%- if order_lines is none %}
    cast(null as bigint) as order_lines,
    {%- else %}
    cast(case as_of_date
        {%- for date, count in order_lines.items() %}
        when {{ seg_date(date, dialect) }} then {{ count }}
        {%- endfor %}
    end as bigint) as order_lines,
    {%- endif %}
    cast({{ seg_literal(scored_at, dialect) }} as timestamp) as scored_at,
    as_of_date,
    cast({{ seg_literal(basis, dialect) }} as {{ seg_text(dialect) }}) as basis
from {{ scores }}
{%- endmacro -%}


{#- How many order lines of known customers are seen before a day. Pure. -#}
{%- macro seg_count_order_lines(transactions_relation, as_of_date, dialect) -%}
select count(*) as order_lines
from {{ transactions_relation }}
where
    {{ seg_is_seen(as_of_date, dialect) }}
    and customer_id is not null
{%- endmacro -%}


{#- No row of `seg_membership_history`, with the columns that every row has and those of these keys. -#}
{%- macro seg_no_membership_rows(scores, keys) -%}
{%- set dialect = target.type -%}
select
    customer_id,
    model_version,
    cast(null as {{ seg_text(dialect) }}) as segment_key,
    {%- for key in keys %}
    cast(null as {{ seg_double(dialect) }}) as membership_{{ key }},
    {%- endfor %}
    log_density,
    is_outlier,
    missing_features,
    cast(null as bigint) as order_lines,
    cast(null as timestamp) as scored_at,
    as_of_date,
    cast(null as {{ seg_text(dialect) }}) as basis
from {{ scores }}
where 1 = 0
{%- endmacro -%}


{#-
    Rows of `seg_segment_history` for some dates that one model scored. Pure.

    model        the model, as seg_customer_assignment takes it
    memberships  relation of seg_membership_history
    dates        texts YYYY-MM-DD
-#}
{%- macro seg_history_assignment(model, memberships, dates, tiers, dialect) -%}
{%- set scores -%}
(
    select *
    from {{ memberships }}
    where
        basis = 'known'
        and as_of_date in ({% for date in dates %}{{ seg_date(date, dialect) }}{{ ', ' if not loop.last }}{% endfor %})
) as scores
{%- endset -%}
select
    assigned.customer_id,
    assigned.model_version,
    assigned.segment_key,
    assigned.membership,
    assigned.runner_up_segment_key,
    assigned.runner_up_membership,
    assigned.action_tier,
    assigned.is_outlier,
    dates.order_lines,
    dates.scored_at,
    assigned.as_of_date
from (
    {{ seg_customer_assignment(model, scores, tiers, dialect) | indent(4) }}
) as assigned
inner join (
    select distinct
        as_of_date,
        order_lines,
        scored_at
    from {{ scores }}
) as dates
    on assigned.as_of_date = dates.as_of_date
{%- endmacro -%}
