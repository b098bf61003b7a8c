{#-
    The query of the categories with the largest net spend, at most `how_many`, the largest first. Pure.
    Spend is summed as a decimal: a sum of doubles would depend on the order of rows, and with it the choice. A category
    that only lost money is none of the largest.
-#}
{%- macro seg_largest_categories(category_spend_relation, how_many, dialect) -%}
select category
from (
    select
        category,
        sum({{ seg_money('spend', dialect) }}) as net_spend
    from {{ category_spend_relation }}
    group by category
) as spent
where net_spend > 0
order by net_spend desc nulls last, {{ seg_text_order('category', dialect) }} asc nulls last
limit {{ how_many }}
{%- endmacro -%}
