{{ config(materialized='table', enabled=seg_is_enabled('transactions')) }}

{{ seg_customer_history(
    ref('stg_seg__transactions'),
    seg_as_of_date(),
    seg_setting('columns.category') is not none,
    target.type,
) }}
