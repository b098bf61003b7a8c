{#-
    The query of one row of features per customer, for any list of categories. Pure: seg_customer_features is this query
    for the active model's categories; Python renders it for any other version's, so that comparing or fitting changes
    no table.

    categories      list of {category, column_suffix}, as seg_category_columns writes it; each gets spend_<suffix> and
                    share_<suffix>, and what is outside the list goes to spend_other and share_other. An empty list
                    gives none of these columns.
    extra_relation  a relation keyed by customer_id, left joined; extra_columns are the names of its columns to take.
-#}
{%- macro seg_wide_features(
    rfm_relation, category_spend_relation, categories, dialect, extra_relation=none, extra_columns=[]
) -%}
{%- set double = seg_double(dialect) -%}
{%- set rfm_features = seg_rfm_features().split() -%}
with

rfm as (

    select
        customer_id,
        as_of_date,
        {{ rfm_features | join(',\n        ') }}
    from {{ rfm_relation }}

)
{%- if categories %},

category_spend as (

    select
        customer_id,
        category,
        {{ seg_money('spend', dialect) }} as spend,
        case when spend > 0 then {{ seg_money('spend', dialect) }} else 0 end as positive_spend,
        share
    from {{ category_spend_relation }}

),

category_columns as (

    select
        customer_id,
        {%- for item in categories %}
        {%- set is_category = 'category = ' ~ seg_literal(item.category, dialect) %}
        cast(sum(case when {{ is_category }} then spend else 0 end) as {{ double }}) as spend_{{ item.column_suffix }},
        sum(case when {{ is_category }} then share else 0 end) as share_{{ item.column_suffix }},
        {%- endfor %}
        {%- set is_listed -%}
            category in (
            {%- for item in categories -%}
                {{ seg_literal(item.category, dialect) }}{{ ', ' if not loop.last }}
            {%- endfor -%}
            )
        {%- endset %}
        cast(sum(case when {{ is_listed }} then 0 else spend end) as {{ double }}) as spend_other,
        coalesce(
            cast(sum(case when {{ is_listed }} then 0 else positive_spend end) as {{ double }})
            / nullif(cast(sum(positive_spend) as {{ double }}), 0),
            0
        ) as share_other
    from category_spend
    group by customer_id

)
{%- endif %}
{%- if extra_columns %},

{{ seg_extra_features(extra_relation, extra_columns, dialect) }}
{%- endif %}

select
    rfm.customer_id,
    rfm.as_of_date,
    rfm.{{ rfm_features | join(',\n    rfm.') }}
    {%- for suffix in (categories | map(attribute='column_suffix') | list + ['other'] if categories else []) %},
    coalesce(category_columns.spend_{{ suffix }}, 0) as spend_{{ suffix }},
    coalesce(category_columns.share_{{ suffix }}, 0) as share_{{ suffix }}
    {%- endfor %}
    {%- for name in extra_columns %},
    extra_features.{{ seg_identifier(name, dialect) }}
    {%- endfor %}
from rfm
{%- if categories %}
left join category_columns on rfm.customer_id = category_columns.customer_id
{%- endif %}
{%- if extra_columns %}
left join extra_features on rfm.customer_id = extra_features.customer_id
{%- endif %}
{%- endmacro -%}


{#- The features that seg_customer_rfm has, in its order. Pure. -#}
{%- macro seg_rfm_features() -%}
recency_days
order_count
net_spend
average_order_value
tenure_days
days_between_orders
category_count
category_entropy
{%- endmacro -%}
