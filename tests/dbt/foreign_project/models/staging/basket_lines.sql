select
    cast(reader_no as {{ var('customer_key_type') }}) as reader_no,
    basket_no,
    sold_at,
    {{ money.euros('cents') }} as amount,
    shelf
from {{ source('raw', 'basket_lines') }}
where {{ is_paid('state') }}
