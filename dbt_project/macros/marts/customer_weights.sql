{#- How many customers a row stands for; none where the number is missing, negative or no number. -#}
{%- macro seg_customer_weight(column, dialect) -%}
    {%- set value = 'cast(' ~ column ~ ' as ' ~ seg_double(dialect) ~ ')' -%}
    case when {{ seg_is_measured(value) }} and {{ value }} > 0e0 then {{ value }} else 0e0 end
{%- endmacro -%}


{#- The customer_weights step of this statement beside a relation with the same keys. -#}
{%- macro seg_join_weights(relation) -%}
inner join customer_weights
        on
            {{ relation }}.customer_id = customer_weights.customer_id
            and {{ relation }}.as_of_date = customer_weights.as_of_date
{%- endmacro -%}
