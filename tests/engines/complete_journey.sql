select
    cast(transactions.household_id as bigint) as customer_id,
    cast(transactions.basket_id as bigint) as order_id,
    cast(transactions.transaction_timestamp as timestamp) as ordered_at,
    cast(transactions.sales_value as double) as amount,
    products.department as category
from read_parquet('{data}/transactions*.parquet') as transactions
left join read_parquet('{data}/products.parquet') as products on transactions.product_id = products.product_id
