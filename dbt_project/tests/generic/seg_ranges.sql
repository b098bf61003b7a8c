{#-
    Every column named has a finite value from `at_least` to `at_most` in every row, and none is null but where
    `nullable: true`. One pass over the rows for all columns. Fails with the rows at fault and the first column at
    fault.
-#}
{% test seg_ranges(model, ranges, key='customer_id') %}

with

judged as (

    select
        {{ key }},
        {{ ranges | join(',\n        ') }},
        case
            {%- for column, bounds in ranges.items() %}
            {%- if not bounds.nullable %}
            when {{ column }} is null then '{{ column }}'
            {%- endif %}
            {%- if bounds.at_least is defined %}
            when {{ column }} < {{ bounds.at_least }} then '{{ column }}'
            {%- endif %}
            {%- if bounds.at_most is defined %}
            when {{ column }} > {{ bounds.at_most }} then '{{ column }}'
            {%- endif %}
            {#- Infinity and NaN are the numbers whose difference with themselves is not zero. #}
            when {{ column }} - {{ column }} <> 0 then '{{ column }}'
            {%- endfor %}
        end as column_at_fault
    from {{ model }}

)

select *
from judged
where column_at_fault is not null

{% endtest %}
