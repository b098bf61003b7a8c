{{ config(materialized='view', enabled=seg_is_enabled('features', 'transactions')) }}

{%- set columns = seg_setting('columns') -%}
{%- set text = dbt.type_string() %}

select
    {{ columns.customer_id }} as customer_id,
    {{ columns.order_id }} as order_id,
    {{ columns.ordered_at }} as ordered_at,
    {{ columns.amount }} as amount,
    {%- if columns.category is none %}
    cast(null as {{ text }}) as category
    {%- else %}
    coalesce(nullif(trim(cast({{ columns.category }} as {{ text }})), ''), 'unknown') as category
    {%- endif %}
from {{ seg_input('transactions') }}
