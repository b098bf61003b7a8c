-- The package's unit tests bring rows of their own; this relation only gives their columns a name and a type.
select
    cast('ada' as varchar) as customer_id,
    cast('A1' as varchar) as order_id,
    cast('2024-01-31 18:30:00' as timestamp) as ordered_at,
    cast(12.5 as decimal(18, 4)) as amount,
    cast('Fruit' as varchar) as category
