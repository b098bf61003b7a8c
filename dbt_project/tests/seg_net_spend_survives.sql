{#-
    Not a cent is lost or made between the order lines, as the project has them, and each table of features. Fails with
    the totals that differ by more than amounts were rounded, and than a double can tell apart.
-#}
{{ config(enabled=seg_is_enabled('features', 'transactions') and seg_setting('full_scan_tests')) }}

{%- set columns = seg_setting('columns') -%}
{%- set double = seg_double(target.type) -%}
{%- set type = seg_order_line_types().amount or '' %}

with

given as (

    select
        {{ seg_known(columns.customer_id, target.type) }} as customer_id,
        cast({{ seg_wall_clock(columns.ordered_at, seg_setting('timezone'), target.type) }} as date) as ordered_on,
        cast({{ columns.amount }} as {{ double }}) as amount,
        {{ seg_amount(columns.amount, type, seg_amount_decimals(type)) }} as kept_amount
    from {{ seg_input('transactions') }}

),

order_lines as (

    select
        sum(amount) as net_spend,
        sum(abs(amount - cast(kept_amount as {{ double }}))) + 1e-12 * sum(abs(amount)) as tolerance
    from given
    where
        customer_id is not null
        and ordered_on < (select max(as_of_date) from {{ ref('seg_customer_rfm') }})

),

totals as (

    select
        'seg_customer_rfm' as model,
        cast(sum({{ seg_money('net_spend', target.type) }}) as {{ double }}) as net_spend
    from {{ ref('seg_customer_rfm') }}

    {%- if seg_setting('columns.category') is not none %}

    union all

    select
        'seg_customer_category_spend' as model,
        cast(sum({{ seg_money('spend', target.type) }}) as {{ double }}) as net_spend
    from {{ ref('seg_customer_category_spend') }}
    {%- endif %}

    union all

    select
        'seg_customer_features' as model,
        cast(sum({{ seg_money('net_spend', target.type) }}) as {{ double }}) as net_spend
    from {{ ref('seg_customer_features') }}

)

select
    totals.model,
    totals.net_spend,
    order_lines.net_spend as net_spend_of_order_lines
from totals
cross join order_lines
where abs(coalesce(totals.net_spend, 0) - coalesce(order_lines.net_spend, 0)) > order_lines.tolerance
