{{ config(materialized='table', enabled=seg_is_enabled('features', 'transactions')) }}

{{ seg_history_by_category(ref('stg_seg__transactions'), seg_as_of_date(), target.type) }}
