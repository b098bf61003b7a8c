{{ config(materialized='table', enabled=seg_is_enabled('features', 'transactions')) }}

{%- set category_spend = ref('seg_customer_category_spend') %}

{{ seg_customer_history(
    ref('stg_seg__transactions'),
    seg_as_of_date(),
    category_spend if seg_setting('columns.category') is not none else none,
    target.type,
) }}
