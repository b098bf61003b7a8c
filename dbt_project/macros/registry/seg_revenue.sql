{#-
    Where a customer's revenue stands, as `seg_segment_sizes` takes it: net spend of the order history, or the
    expression `columns.revenue` over a ready table, whose columns `seg_customer_features` carries; none where there is
    none.
-#}
{% macro seg_revenue(features) %}
    {% set expression = "net_spend" if seg_is_enabled("features", "transactions") else seg_setting("columns.revenue") %}
    {{ return(none if expression is none else {"relation": features, "expression": expression}) }}
{% endmacro %}
