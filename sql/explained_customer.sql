{#- The newest row of the wide features for one customer.

    features    the wide features, as a select; customer: the key as text, whatever its type is -#}
select *
from (
    {{ features | indent(4) }}
) as features
where cast(customer_id as {{ seg_text(dialect) }}) = {{ seg_literal(customer, dialect) }}
order by as_of_date desc nulls last
limit 1
