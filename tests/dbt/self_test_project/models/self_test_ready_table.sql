select
    cast(1 as bigint) as "Customer No",
    cast('PhD' as varchar) as "Education",
    cast(1.5 as double) as income
