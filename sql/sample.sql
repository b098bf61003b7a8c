{#- The first customers in the order of the md5 of their key and the seed: `hash()` differs between versions of DuckDB
    and `random()` between threads, md5 does neither. Ibis has md5 for half of the engines, so this is a statement.

    relation    a select; columns: numeric columns to read, each as a double -#}
{%- set key = "cast(customer_id as " ~ seg_text(dialect) ~ ")" -%}
select
    {{ seg_md5(key ~ " || '|" ~ seed ~ "'", dialect) }} as sample_key,
    {{ key }} as customer_id
    {%- for name in columns %},
    {%- set column = seg_identifier(name, dialect) %}
    cast({{ column }} as {{ seg_double(dialect) }}) as {{ column }}
    {%- endfor %}
from (
    {{ relation | indent(4) }}
) as features
order by sample_key asc nulls last, customer_id asc nulls last
limit {{ size }}
