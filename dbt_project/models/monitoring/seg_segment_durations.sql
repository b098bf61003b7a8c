{{ config(materialized='table', enabled=seg_is_enabled('monitoring')) }}

{{ seg_duration_rows(ref('seg_segment_transitions'), target.type) }}
