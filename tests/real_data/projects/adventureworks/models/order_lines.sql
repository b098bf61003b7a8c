with

sales as (

    select
        CustomerKey,
        OrderNumber,
        OrderDate,
        ProductKey,
        OrderQuantity,
        UnitPriceSold
    from read_csv('{{ var("data_folder") }}/AdventureWorks_Sales_*.csv.gz', dateformat='%m/%d/%Y')

),

products as (

    select
        ProductKey,
        ProductSubcategoryKey
    from read_csv('{{ var("data_folder") }}/AdventureWorks_Products.csv.gz')

),

subcategories as (

    select
        ProductSubcategoryKey,
        ProductCategoryKey
    from read_csv('{{ var("data_folder") }}/AdventureWorks_Product_Subcategories.csv.gz')

),

categories as (

    select
        ProductCategoryKey,
        CategoryName
    from read_csv('{{ var("data_folder") }}/AdventureWorks_Product_Categories.csv.gz')

)

select
    sales.CustomerKey as customer_id,
    sales.OrderNumber as order_id,
    sales.OrderDate as ordered_at,
    sales.OrderQuantity * sales.UnitPriceSold as amount,
    categories.CategoryName as category
from sales
left join products on sales.ProductKey = products.ProductKey
left join subcategories on products.ProductSubcategoryKey = subcategories.ProductSubcategoryKey
left join categories on subcategories.ProductCategoryKey = categories.ProductCategoryKey
