{% macro is_paid(column) %}{{ column }} in ('{{ var("paid_states") | join("', '") }}'){% endmacro %}
