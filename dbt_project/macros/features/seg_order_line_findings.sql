{#-
    Whether order lines can be what they are taken for: one row for each thing that is odd (warn) or cannot be (error).
    The one judge of them: a build stops at what cannot be, `warehouse-seg` repeats what is odd before a fit. Pure.

    relation, columns   the user's relation, and the SQL expression over it of each column
    types               column → the engine's name of its type, {} where that is not known
    decimals            of the amounts, as stg_seg__transactions keeps them
    rounding            the severity where these are too few
    as_of_date          the text YYYY-MM-DD or none, as seg_customer_history has it

    Columns: check_name, severity, column_name (the key of `columns`), order_lines, message. One pass over the lines
    counts what concerns a line alone; what concerns days and orders is counted in their groups.
-#}
{%- macro seg_order_line_findings(
    relation, columns, types, decimals, rounding, timezone, as_of_date, dialect
) -%}
{%- set text = seg_text(dialect) -%}
{%- set double = seg_double(dialect) -%}
{%- set is_text = seg_kind_of_type(types.ordered_at, dialect) == 'text' -%}
{%- set is_rounded = decimals < seg_decimals_of_type(types.amount, dialect) | int
    or seg_kind_of_type(types.amount, dialect) in ('float', 'text', '') -%}
{%- set ordered_text = 'cast(' ~ columns.ordered_at ~ ' as ' ~ text ~ ')' -%}
with

lines as {{ seg_not_materialized(dialect) }}(

    select
        {{ columns.customer_id }} as customer_id,
        {{ seg_known(columns.customer_id, dialect) }} as known_customer_id,
        {{ columns.order_id }} as order_id,
        {{ seg_known(columns.order_id, dialect) }} as known_order_id,
        {%- if is_text %}
        case
            when {{ ordered_text }} like '____-__-__%'
                then {{ seg_wall_clock(columns.ordered_at, timezone, dialect) }}
        end
        {%- else %}
        {{ seg_wall_clock(columns.ordered_at, timezone, dialect) }}
        {%- endif %} as ordered_at,
        {{ "case when " ~ ordered_text ~ " not like '____-__-__%' then 1 else 0 end" if is_text else '0' }} as odd_text,
        case when {{ columns.ordered_at }} is null then 1 end as undated,
        cast({{ columns.amount }} as {{ double }}) as amount,
        cast({{ columns.category if columns.category is not none else 'null' }} as {{ text }}) as category
    from {{ relation }}

),

-- DuckDB has dates without an end, which are no days.
dated as {{ seg_not_materialized(dialect) }}(

    select
        lines.*,
        {{ seg_is_endless('ordered_at', dialect) }} as is_endless,
        case when not {{ seg_is_endless('ordered_at', dialect) }} then cast(ordered_at as date) end as ordered_on
    from lines

),

by_line as (

    select
        count(*) as all_lines,
        sum(case when customer_id is not null and known_customer_id is null then 1 else 0 end) as blank_customers,
        sum(case when order_id is not null and known_order_id is null then 1 else 0 end) as blank_orders,
        sum(case when order_id is null then 1 else 0 end) as without_order,
        sum(case when undated = 1 then 1 else 0 end) as without_time,
        sum(odd_text) as odd_texts,
        sum(case when is_endless then 1 else 0 end) as endless,
        sum(case when amount is null then 1 else 0 end) as without_amount,
        sum(case when amount > 0 then 1 else 0 end) as positive_lines
        {%- if is_rounded %},
        sum(case when amount - amount <> 0 then 1 else 0 end) as not_finite,
        sum(case when amount - amount = 0 then abs(amount) end) as all_money,
        sum(
            case when amount - amount = 0 then
                abs(amount - cast(round(amount * 1e{{ decimals }}) / 1e{{ decimals }} as {{ double }}))
            end
        ) as rounded_money
        {%- endif %}
    from dated

),

-- Lines exactly alike are one row here.
distinct_lines as (

    select
        known_customer_id,
        known_order_id,
        ordered_on,
        count(*) as order_lines
    from dated
    group by known_customer_id, known_order_id, ordered_on, ordered_at, amount, category

),

days as (

    select
        ordered_on,
        sum(order_lines) as order_lines,
        min(order_lines) as fewest_alike
    from distinct_lines
    where ordered_on is not null
    group by ordered_on

),

counted as (

    select
        ordered_on,
        order_lines,
        sum(order_lines) over (order by ordered_on desc nulls last) - order_lines as later_lines,
        sum(order_lines) over () as all_lines
    from days

),

-- The first day after which no more than 0.1 % of the lines, or one line, come.
usual as (

    select min(ordered_on) as last_day
    from counted
    where later_lines <= 1 or later_lines * 1000 <= all_lines

),

by_day as (

    select
        sum(case when ordered_on <= {{ seg_date('1900-01-01', dialect) }} then order_lines end) as too_early,
        sum(case when ordered_on = {{ seg_date('1970-01-01', dialect) }} then order_lines end) as at_zero,
        sum(case when ordered_on >= {{ seg_date('2200-01-01', dialect) }} then order_lines end) as too_late,
        sum(
            case when {{ seg_days_between('usual.last_day', 'days.ordered_on', dialect) }} > 31 then order_lines end
        ) as far_future,
        sum(case when fewest_alike > 1 and order_lines >= 20 then order_lines end) as loaded_twice
    from days
    cross join usual

),

order_groups as (

    select
        known_order_id,
        min(known_customer_id) as first_customer,
        max(known_customer_id) as last_customer,
        sum(order_lines) as order_lines
    from distinct_lines
    where known_order_id is not null and known_customer_id is not null
    group by known_order_id

),

by_order as (

    select
        count(*) as orders,
        count(distinct first_customer) as customers,
        sum(case when first_customer <> last_customer then order_lines else 0 end) as shared_lines,
        sum(order_lines) as order_lines
    from order_groups

)
{%- set findings = [] -%}
{%- do findings.append(dict(name='text_dates', severity='error', column='ordered_at', table='by_line',
    lines='odd_texts', message="are dated by a text that does not begin with YYYY-MM-DD, and each engine reads another"
    ~ " day in it. Say how it is written, as in `columns: {ordered_at: \"strptime(ordered_at, '%d-%m-%y')\"}`")) -%}
{%- do findings.append(dict(name='endless_dates', severity='error', column='ordered_at', table='by_line',
    lines='endless', message="are dated infinity, which is no day. Make it NULL in `columns.ordered_at`, or leave those"
    ~ " lines out of the model that `transactions` names")) -%}
{%- do findings.append(dict(name='dates_before_1900', severity='error', column='ordered_at', table='by_day',
    lines='too_early', message="are dated 1900-01-01 or before, which stands for a date that nobody knew. Make it NULL"
    ~ " in `columns.ordered_at`, or leave those lines out of the model that `transactions` names")) -%}
{%- do findings.append(dict(name='dates_at_zero', severity='error', column='ordered_at', table='by_day',
    lines='at_zero', message="are dated 1970-01-01, which is how an empty date reads that was kept as a number. Make it"
    ~ " NULL in `columns.ordered_at`, or leave those lines out of the model that `transactions` names")) -%}
{%- if as_of_date is none -%}
{%- do findings.append(dict(name='dates_after_2200', severity='error', column='ordered_at', table='by_day',
    lines='too_late', message="are dated in 2200 or later, which stands for a date without an end. Make it NULL in"
    ~ " `columns.ordered_at`, or set `as_of_date`")) -%}
{%- do findings.append(dict(name='far_future', severity='warn', column='ordered_at', table='by_day',
    lines='case when too_late is null then far_future end', message="are dated more than 31 days after the day up to"
    ~ " which nearly all lines are, and move `as_of_date`, with it the recency of every customer. Correct them in"
    ~ " `columns.ordered_at`, or set `as_of_date`")) -%}
{%- endif -%}
{%- if is_rounded -%}
{%- do findings.append(dict(name='amounts_not_finite', severity='error', column='amount', table='by_line',
    lines='not_finite', message="have an amount that is NaN or infinite. Make it NULL in `columns.amount`, or mend it"
    ~ " where the lines are made")) -%}
{%- do findings.append(dict(name='amounts_rounded_away', severity=rounding, column='amount', table='by_line',
    lines='case when rounded_money > 1e-6 * all_money then all_lines end', message="have amounts that lose more than a"
    ~ " millionth of the money when they are rounded to " ~ decimals ~ " decimals. Set `amount_decimals` (up to 10), or"
    ~ " change the unit in `columns.amount`")) -%}
{%- endif -%}
{%- do findings.append(dict(name='blank_customer_ids', severity='warn', column='customer_id', table='by_line',
    lines='blank_customers', message="have a blank customer_id and are taken as nobody's, like NULL. If they belong to"
    ~ " somebody, say to whom in `columns.customer_id`")) -%}
{%- do findings.append(dict(name='one_order_each', severity='warn', column='customer_id', table='by_order',
    lines='case when customers = orders and orders > 100 then order_lines end', message="are of customers with exactly"
    ~ " one order each. Is columns.customer_id a key of the order, and not of the person?")) -%}
{%- do findings.append(dict(name='blank_order_ids', severity='warn', column='order_id', table='by_line',
    lines='blank_orders', message="have a blank order_id and are taken as lines without one, like NULL: one order for"
    ~ " each customer and day")) -%}
{%- do findings.append(dict(name='without_order_id', severity='warn', column='order_id', table='by_line',
    lines='without_order', message="have no order_id: they make one order for each customer and day. If orders have"
    ~ " another key, name it in `columns.order_id`")) -%}
{%- do findings.append(dict(name='orders_of_several_customers', severity='warn', column='order_id', table='by_order',
    lines='case when shared_lines * 100 > order_lines then shared_lines end', message="are of orders that several"
    ~ " customers have, and count once for each of them. If order numbers start anew by shop or year, make them one key"
    ~ " in `columns.order_id`")) -%}
{%- do findings.append(dict(name='loaded_twice', severity='warn', column='ordered_at', table='by_day',
    lines='loaded_twice', message="are of days on which every line stands there at least twice, alike in every column,"
    ~ " as after a load that ran twice. All are counted. Remove the copies in the model that `transactions` names")) -%}
{%- do findings.append(dict(name='without_time', severity='warn', column='ordered_at', table='by_line',
    lines='without_time', message="have no ordered_at and are not counted. Fill it in `columns.ordered_at`")) -%}
{%- do findings.append(dict(name='without_amount', severity='warn', column='amount', table='by_line',
    lines='without_amount', message="have no amount and add nothing to spend. Fill it in `columns.amount`")) -%}
{%- do findings.append(dict(name='nothing_paid', severity='warn', column='amount', table='by_line',
    lines='case when positive_lines = 0 then all_lines end', message="are all there are, and none has an amount above"
    ~ " 0: nobody bought anything. Turn the sign in `columns.amount` if purchases are negative")) %}
{%- for finding in findings %}

select
    '{{ finding.name }}' as check_name,
    '{{ finding.severity }}' as severity,
    '{{ finding.column }}' as column_name,
    cast({{ finding.lines }} as bigint) as order_lines,
    cast(cast({{ finding.lines }} as bigint) as {{ text }})
    || {{ seg_literal(' order lines ' ~ finding.message, dialect) }} as message
from {{ finding.table }}
where {{ finding.lines }} > 0
{%- if not loop.last %}

union all
{%- endif %}
{%- endfor %}
{%- endmacro -%}


{#- Whether a time is infinite, which DuckDB and Postgres have. Pure. -#}
{%- macro seg_is_endless(expression, dialect) -%}
    {%- if dialect == 'duckdb' -%}
        coalesce(isinf({{ expression }}), false)
    {%- elif dialect == 'postgres' -%}
        coalesce(not isfinite({{ expression }}), false)
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro -%}


{#- Stops where a column is of a type that can be nothing of what it is mapped to: the engine's own error would stand
    far away, in a statement that nobody wrote. -#}
{%- macro seg_refuse_types(columns, types) -%}
    {%- set needed = {
        'ordered_at': (['text', 'date', 'time', 'zoned time', ''], "a date or a time. Of a number of seconds since 1970"
            ~ " make one as `to_timestamp(" ~ columns.ordered_at ~ ")`"),
        'amount': (['text', 'whole', 'decimal', 'float', ''], "a number"),
    } -%}
    {%- for column, (kinds, words) in needed.items() -%}
        {%- if seg_kind_of_type(types[column], target.type) not in kinds -%}
            {{- exceptions.raise_compiler_error(
                "warehouse_seg: columns." ~ column ~ " (" ~ columns[column] ~ ") is of type " ~ types[column]
                ~ ", needed " ~ words ~ ". Cast it in `vars: warehouse_seg: columns:`."
            ) -}}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro -%}


{#- After the checks are made: stops at what cannot be, warns of what is odd. -#}
{%- macro seg_report_order_lines() -%}
    {%- if execute and seg_is_building() -%}
        {%- set query = 'select severity, message from ' ~ this ~ ' order by check_name asc nulls last' -%}
        {%- set errors = [] -%}
        {%- for severity, message in run_query(query).rows -%}
            {%- if severity == 'error' -%}
                {%- do errors.append(message) -%}
            {%- else -%}
                {%- do exceptions.warn('warehouse_seg: ' ~ message ~ '.') -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if errors -%}
            {{- exceptions.raise_compiler_error('warehouse_seg: ' ~ errors | join('; ') ~ '.') -}}
        {%- endif -%}
    {%- endif -%}
{%- endmacro -%}
