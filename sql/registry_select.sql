{#- Rows of one registry table: of one model version, or all of them. -#}
select
    {%- for name in columns %}
    {{ name }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ table }}
{%- if model_version is not none %}
where model_version = {{ model_version }}
{%- endif %}
order by
{%- for key in order_by.split(", ") %}
    {{ key.split(" ")[0] }} {{ "desc" if key.endswith(" desc") else "asc" }} nulls last
    {%- if not loop.last %},{% endif %}
{%- endfor %}
