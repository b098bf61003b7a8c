{#-
    Not a cent is lost or made between the order lines, as the project has them, and each table of features. Fails with
    the totals that differ by more than amounts were rounded, and than doubles can be off that are added one by one:
    2^-53 of the sum of their sizes for each of them. It reads the lines through stg_seg__transactions, which has every
    line: with the project's own model as a parent, dbt would run this test whenever that model is built alone, against
    features of another day or none.
-#}
{{ config(enabled=seg_is_enabled('features', 'transactions') and seg_setting('full_scan_tests')) }}

{%- set double = seg_double(target.type) %}

with

order_lines as (

    select
        sum(unrounded_amount) as net_spend,
        sum(abs(unrounded_amount - cast(amount as {{ double }})))
        + (1e-12 + 1.2e-16 * count(*)) * sum(abs(unrounded_amount)) as tolerance
    from {{ ref('stg_seg__transactions') }}
    where
        customer_id is not null
        and cast(ordered_at as date) < (select max(as_of_date) from {{ ref('seg_customer_rfm') }})

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
where abs(coalesce(totals.net_spend, 0) - coalesce(order_lines.net_spend, 0)) > coalesce(order_lines.tolerance, 0)
