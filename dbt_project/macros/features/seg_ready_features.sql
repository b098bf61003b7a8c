{#-
    The query of the features in a ready table of customers: its own columns beside customer_id and as_of_date. Pure.

    customer_id    the SQL expression of the key over the table; rows without a key are no customers
    as_of_date     the text YYYY-MM-DD, or none
    feature_columns, extra_relation, extra_columns   as seg_wide_features has them
-#}
{%- macro seg_ready_features(
    feature_relation, customer_id, as_of_date, feature_columns, dialect, extra_relation=none, extra_columns=[]
) -%}
with

feature_table as (

    select
        {{ customer_id }} as customer_id
        {%- for name in feature_columns %},
        {{ seg_identifier(name, dialect) }}
        {%- endfor %}
    from {{ feature_relation }}
    where {{ customer_id }} is not null

)
{%- if extra_columns %},

{{ seg_extra_features(extra_relation, extra_columns, dialect) }}
{%- endif %}

select
    feature_table.customer_id,
    cast({{ seg_literal(as_of_date, dialect) if as_of_date else 'null' }} as date) as as_of_date
    {%- for name in feature_columns %},
    feature_table.{{ seg_identifier(name, dialect) }}
    {%- endfor %}
    {%- for name in extra_columns %},
    extra_features.{{ seg_identifier(name, dialect) }}
    {%- endfor %}
from feature_table
{%- if extra_columns %}
left join extra_features on feature_table.customer_id = extra_features.customer_id
{%- endif %}
{%- endmacro -%}


{#- The import of the user's own features, one row per customer_id. Pure. -#}
{%- macro seg_extra_features(extra_relation, extra_columns, dialect) -%}
extra_features as (

    select
        customer_id
        {%- for name in extra_columns %},
        {{ seg_identifier(name, dialect) }}
        {%- endfor %}
    from {{ extra_relation }}

)
{%- endmacro -%}
