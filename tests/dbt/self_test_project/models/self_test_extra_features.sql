select
    cast('ada' as varchar) as customer_id,
    cast(1.5 as double) as "visits per wéek"
