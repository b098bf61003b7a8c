{#- One registry table, made where it is not there yet; or, with `added`, a column of it that an earlier version of the
    package did not make. Types by dialect; JSON is kept as text on every engine. -#}
{%- set types = {
    "integer": "bigint" if dialect == "bigquery" else "integer",
    "number": seg_double(dialect),
    "text": "text" if dialect in ("postgres", "duckdb")
        else "varchar(65535)" if dialect == "redshift"
        else seg_text(dialect),
    "time": "timestamp",
} -%}
{% if added and dialect in ("spark", "databricks") -%}
alter table {{ table }} add columns ({{ added }} {{ types[columns[added]] }})
{%- elif added -%}
alter table {{ table }} add column {{ added }} {{ types[columns[added]] }}
{%- else -%}
create table if not exists {{ table }} (
    {%- for name, kind in columns.items() %}
    {{ name }} {{ types[kind] }}{{ "," if not loop.last }}
    {%- endfor %}
)
{%- endif %}
