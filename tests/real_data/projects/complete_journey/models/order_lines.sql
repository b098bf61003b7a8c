with

transactions as (

    select
        household_id,
        basket_id,
        product_id,
        transaction_timestamp,
        sales_value
    from read_parquet('{{ var("data_folder") }}/transactions*.parquet')

),

products as (

    select
        product_id,
        department
    from read_parquet('{{ var("data_folder") }}/products.parquet')

)

select
    transactions.household_id as customer_id,
    transactions.basket_id as order_id,
    transactions.transaction_timestamp as ordered_at,
    transactions.sales_value as amount,
    products.department as category
from transactions
left join products on transactions.product_id = products.product_id
