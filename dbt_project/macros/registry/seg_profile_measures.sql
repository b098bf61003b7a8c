{#- The measures of `seg_segment_profiles`; without an order history (`feature_table`) there are only the features. -#}
{% macro seg_profile_measures(mixture) %}
    {% set history = ["recency_days", "order_count", "net_spend", "average_order_value", "tenure_days", "days_between_orders", "category_count", "category_entropy"] %}
    {{ return(fromjson(seg_measures(mixture, history if seg_is_enabled("transactions") else []))) }}
{% endmacro %}
