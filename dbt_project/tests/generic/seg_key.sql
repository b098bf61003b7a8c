{#- The columns are the key: each row has all of them and no two rows share them. Fails with the keys at fault. -#}
{% test seg_key(model, columns) %}

select
    {{ columns | join(',\n    ') }},
    count(*) as rows_with_this_key
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}

{% endtest %}
