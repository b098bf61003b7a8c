{#- Not a cent is lost or made between the order lines and each table of features. Fails with the totals that
    differ. -#}
{{ config(enabled=seg_is_enabled('features', 'transactions') and seg_setting('full_scan_tests')) }}

with

order_lines as (

    select sum({{ seg_money('amount') }}) as net_spend
    from {{ ref('stg_seg__transactions') }}
    where
        customer_id is not null
        and cast(ordered_at as date) < (select max(as_of_date) from {{ ref('seg_customer_rfm') }})

),

totals as (

    select
        'seg_customer_rfm' as model,
        sum({{ seg_money('net_spend') }}) as net_spend
    from {{ ref('seg_customer_rfm') }}

    {%- if seg_setting('columns.category') is not none %}

    union all

    select
        'seg_customer_category_spend' as model,
        sum({{ seg_money('spend') }}) as net_spend
    from {{ ref('seg_customer_category_spend') }}
    {%- endif %}

    union all

    select
        'seg_customer_features' as model,
        sum({{ seg_money('net_spend') }}) as net_spend
    from {{ ref('seg_customer_features') }}

)

select
    totals.model,
    totals.net_spend,
    order_lines.net_spend as net_spend_of_order_lines
from totals
cross join order_lines
where coalesce(totals.net_spend, 0) <> coalesce(order_lines.net_spend, 0)
