select * from {{ ref('basket_lines') }} where sold_at >= '2027-01-01'
