{{ config(
    materialized='table',
    enabled=seg_is_enabled('features', 'transactions') and seg_setting('full_scan_tests'),
    post_hook="{{ warehouse_seg.seg_report_order_lines() }}",
) }}

{%- set columns = seg_setting('columns') -%}
{%- set types = seg_order_line_types() -%}
{%- do seg_refuse_types(columns, types) %}

{{ seg_order_line_findings(
    seg_input('transactions'),
    columns,
    types,
    seg_amount_decimals(types.amount or ''),
    'error' if seg_setting('amount_decimals') is none else 'warn',
    seg_setting('timezone'),
    seg_as_of_date(),
    target.type,
) }}
