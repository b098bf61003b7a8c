select
    reader_no,
    max(sold_at) >= cast('{{ var("active_since") }}' as date) as is_active
from {{ ref('basket_lines') }}
where reader_no is not null
group by reader_no
