{#-
    The measures of `seg_segment_profiles`: the model's features, the order history, and what part of their money
    customers spend on each category. Without an order history (`feature_table`) there are only the features.
-#}
{% macro seg_profile_measures(mixture) %}
    {% set history = [] %}
    {% if seg_is_enabled("features", "transactions") %}
        {% do history.extend(seg_rfm_features().split()) %}
        {% for category in mixture.categories %}{% do history.append("share_" ~ category.column_suffix) %}{% endfor %}
    {% endif %}
    {{ return(fromjson(seg_measures(mixture, history))) }}
{% endmacro %}
