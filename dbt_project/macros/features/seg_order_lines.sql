{#- The user's order lines under the names that every later model uses. -#}


{#-
    The query of stg_seg__transactions. Pure.

    relation, columns   the user's relation, and the SQL expression over it of each column
    amount_type         the engine's name of the amount's type, '' where it is not known; decimals: of the amount
    timezone            whose clock times with a zone are read on
-#}
{%- macro seg_order_lines(relation, columns, amount_type, decimals, timezone, dialect) -%}
{%- set text = seg_text(dialect) -%}
select
    {{ seg_known(columns.customer_id, dialect) }} as customer_id,
    {{ seg_known(columns.order_id, dialect) }} as order_id,
    {{ seg_wall_clock(columns.ordered_at, timezone, dialect) }} as ordered_at,
    {{ seg_amount(columns.amount, amount_type, decimals) }} as amount,
    cast({{ columns.amount }} as {{ seg_double(dialect) }}) as unrounded_amount,
    {%- if columns.category is none %}
    cast(null as {{ text }}) as category
    {%- else %}
    coalesce(nullif(trim(cast({{ columns.category }} as {{ text }})), ''), 'unknown') as category
    {%- endif %}
from {{ relation }}
{%- endmacro -%}


{#- Name of the column → the engine's name of its type, of each column of the order lines that is mapped; {} while
    nobody can tell: dbt parses, the relation is not built, is an ephemeral model or a mock of a unit test. -#}
{%- macro seg_order_line_types() -%}
    {%- set relation = seg_input('transactions') -%}
    {%- if not execute or relation is none or seg_existing(relation) is none -%}
        {{- return({}) -}}
    {%- endif -%}
    {%- set expressions = [] -%}
    {%- for name, expression in seg_setting('columns').items() if expression is not none and name != 'revenue' -%}
        {%- do expressions.append(expression ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {%- set query = 'select ' ~ expressions | join(', ') ~ ' from ' ~ seg_existing(relation) ~ ' where 1 = 0' -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_column_schema_from_query(query) -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
    {%- endfor -%}
    {{- return(types) -}}
{%- endmacro -%}


{#- How many decimals amounts have: the variable, else those of the column's type. -#}
{%- macro seg_amount_decimals(amount_type) -%}
    {%- set given = seg_setting('amount_decimals') -%}
    {%- set decimals = given if given is not none else seg_decimals_of_type(amount_type, target.type) | int -%}
    {%- if decimals < 0 or decimals > 10 -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: amounts have " ~ decimals ~ " decimals, at most 10 are kept. Set `amount_decimals: 10` to"
            ~ " round them, or change the unit: `columns: {amount: \"amount * 1000\"}`."
        ) -}}
    {%- endif -%}
    {{- return(decimals) -}}
{%- endmacro -%}
