{#- Rows into one registry table, in one statement: all of them or none. -#}
insert into {{ table }} (
    {%- for name in columns %}{{ name }}{{ ", " if not loop.last }}{% endfor %})
values
{%- for row in rows %}
    (
    {%- for name, kind in columns.items() -%}
        {%- set value = row[name] -%}
        {%- if value is none -%}
            null
        {%- elif kind == "time" -%}
            cast({{ seg_literal(value, dialect) }} as timestamp)
        {%- elif kind == "text" -%}
            {{ seg_literal(value, dialect) }}
        {%- else -%}
            {{ value }}
        {%- endif -%}
        {{ ", " if not loop.last }}
    {%- endfor -%}
    ){{ "," if not loop.last }}
{%- endfor %}
