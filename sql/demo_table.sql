{#- One table of the demo shop, typed as a loader would have typed it. Money comes as whole cents and becomes a decimal,
    exactly. -#}
create table {{ table }} as
select
    {%- for name, type in columns.items() %}
    {%- set value = name ~ "_cents * 0.01" if type == "decimal(12, 2)" else name %}
    cast({{ value }} as {{ type }}) as {{ name }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ frame }}
