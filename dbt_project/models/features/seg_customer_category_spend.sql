{{ config(materialized='table', enabled=seg_is_enabled('transactions')) }}

{{ seg_history_by_category(ref('seg_customer_rfm'), ref('stg_seg__transactions'), target.type) }}
