{#- Rows of one registry table: of one model version, or all of them. -#}
select
    {%- for name in columns %}
    {{ name }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ table }}
{%- if model_version is not none %}
where model_version = {{ model_version }}
{%- endif %}
order by {{ order_by }}
