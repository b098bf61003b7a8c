with

raw_order_lines as (

    select
        order_id,
        product_id,
        amount
    from {{ source('raw', 'raw_order_lines') }}

),

raw_orders as (

    select
        order_id,
        customer_id,
        ordered_at
    from {{ source('raw', 'raw_orders') }}

),

raw_products as (

    select
        product_id,
        category
    from {{ source('raw', 'raw_products') }}

)

select
    raw_orders.customer_id,
    raw_order_lines.order_id,
    raw_orders.ordered_at,
    raw_order_lines.amount,
    raw_products.category
from raw_order_lines
-- Left joins: a line without its order or its product is still money, and shows up in the tests.
left join raw_orders on raw_order_lines.order_id = raw_orders.order_id
left join raw_products on raw_order_lines.product_id = raw_products.product_id
