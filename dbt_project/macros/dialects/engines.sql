{#- What engines name, order, compute or plan in ways of their own. Pure: dbt's own macros need its adapter. -#}


{#- The 64-bit floating point type. `double` is no type on Postgres; dbt.type_float() is 32-bit on DuckDB. -#}
{%- macro seg_double(dialect) -%}
    {%- if dialect in ('postgres', 'redshift') -%}
        double precision
    {%- elif dialect == 'bigquery' -%}
        float64
    {%- else -%}
        double
    {%- endif -%}
{%- endmacro -%}


{%- macro seg_text(dialect) -%}
    {{- 'string' if dialect in ('spark', 'databricks', 'bigquery') else 'varchar' -}}
{%- endmacro -%}


{#- A text as a sort key that orders by its characters' numbers, as most engines do by themselves. Postgres orders by
    the database's language, which may skip underscores; names that tie would come in another order there. -#}
{%- macro seg_text_order(expression, dialect) -%}
    {{ expression }}{{ ' collate "C"' if dialect == 'postgres' }}
{%- endmacro -%}


{#- Postgres and its kin raise an error where exp or a product underflows, so there the argument stops at -200: such a
    membership is 1e-87, and its product with the square of any measure (seg_profiles) is still a number. Elsewhere
    a comparison would cost a twentieth of the whole statement for nothing. -#}
{%- macro seg_exp_of_negative(argument, dialect) -%}
    {%- if dialect in ('postgres', 'redshift') -%}
        exp(case when {{ argument }} < -2e2 then -2e2 else {{ argument }} end)
    {%- else -%}
        exp({{ argument }})
    {%- endif -%}
{%- endmacro -%}


{#- The largest of one column per segment. Spark's greatest() refuses a single argument. -#}
{%- macro seg_greatest(prefix, names) -%}
    {%- if names | length == 1 -%}
        {{ prefix }}{{ names[0] }}
    {%- else -%}
        greatest({% for name in names %}{{ prefix }}{{ name }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro -%}


{#- The end of a step whose columns the next steps read many times. Postgres puts the text of a step in the place of its
    name: a membership of 5 segments over 8 features became an expression of gigabytes, and its plan took for ever. It
    leaves a step with an OFFSET as it is, and stores nothing for it. -#}
{%- macro seg_optimization_fence(dialect) -%}
    {{- '\n    offset 0' if dialect == 'postgres' -}}
{%- endmacro -%}


{#- Postgres writes steps into one another and repeats an expression wherever its name stands: the arithmetic of a pair
    for every customer, and of three nested ranks over four features so much that its process died after two
    minutes. -#}
{%- macro seg_materialized(dialect) -%}
    {{- 'materialized ' if dialect == 'postgres' -}}
{%- endmacro -%}


{#- Several branches read one step: DuckDB and Postgres would write it down in between. -#}
{%- macro seg_not_materialized(dialect) -%}
    {{- 'not materialized ' if dialect in ('duckdb', 'postgres') -}}
{%- endmacro -%}


{#- The SHA-256 of a text in 64 hexadecimal digits, lower case on every engine. -#}
{%- macro seg_sha256(text, dialect) -%}
    {%- if dialect == 'postgres' -%}
        encode(sha256(convert_to({{ text }}, 'UTF8')), 'hex')
    {%- elif dialect == 'trino' -%}
        lower(to_hex(sha256(to_utf8({{ text }}))))
    {%- elif dialect == 'bigquery' -%}
        to_hex(sha256({{ text }}))
    {%- elif dialect == 'duckdb' -%}
        sha256({{ text }})
    {%- else -%}
        sha2({{ text }}, 256)
    {%- endif -%}
{%- endmacro -%}


{#- The md5 of a text in 32 hexadecimal digits, lower case on every engine. -#}
{%- macro seg_md5(text, dialect) -%}
    {%- if dialect == 'trino' -%}
        lower(to_hex(md5(to_utf8({{ text }}))))
    {%- elif dialect == 'bigquery' -%}
        to_hex(md5({{ text }}))
    {%- else -%}
        md5({{ text }})
    {%- endif -%}
{%- endmacro -%}
