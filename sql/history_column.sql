{#- A membership column for one more segment. -#}
{% if dialect in ("spark", "databricks") -%}
alter table {{ table }} add columns ({{ column }} {{ seg_double(dialect) }})
{%- else -%}
alter table {{ table }} add column {{ column }} {{ seg_double(dialect) }}
{%- endif %}
