{{ config(materialized='view', enabled=seg_is_enabled('features', 'transactions')) }}

{#- Lines that cannot be right stop the build here, before anything is made of them. -#}
{%- if seg_setting('full_scan_tests') %}
-- depends_on: {{ ref('seg_order_line_checks') }}
{%- endif %}
{%- set amount_type = seg_order_line_types().amount or '' %}

{{ seg_order_lines(
    seg_input('transactions'),
    seg_setting('columns'),
    amount_type,
    seg_amount_decimals(amount_type),
    seg_setting('timezone'),
    target.type,
) }}
