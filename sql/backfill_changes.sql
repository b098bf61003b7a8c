{#-
    The features of each pair of customer and date, from the order lines before its date.

    All pairs go through the query of one day at once, each as a customer of its own; only the days since an order
    depend on that day, and are counted back to the pair's.
-#}
{%- macro of_pairs(table, columns) -%}
(
    select
        pairs.pair_id as customer_id,
        {%- for name in columns %}
        lines.{{ name }},
        {%- endfor %}
        lines.amount
    from {{ table }} as lines
    inner join {{ pairs }} as pairs
        on lines.customer_id = pairs.customer_id
        and lines.ordered_at < pairs.as_of_date
) as {{ table }}
{%- endmacro -%}
{%- set ahead = seg_days_between("pairs.as_of_date", seg_date(last, dialect), dialect) -%}
select
    pairs.customer_id,
    pairs.as_of_date,
    {%- for name in columns %}
    features.{{ name }}{{ " - " ~ ahead ~ " as " ~ name if name in ("recency_days", "tenure_days") }}
    {{- "," if not loop.last }}
    {%- endfor %}
from (
    {{ seg_past_features(
        of_pairs(orders, ["order_id", "ordered_at"]), has_categories, categories, last, dialect,
        of_pairs(spend, ["category", "ordered_at"])
    ) | indent(4) }}
) as features
inner join {{ pairs }} as pairs
    on features.customer_id = pairs.pair_id
