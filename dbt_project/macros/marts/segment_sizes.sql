{#-
    One row per segment: its weight in the model, the customers it is the top segment of, the sum of memberships, and
    the money.

        expected_customers_k = sum_i p_ik
        revenue_k = sum_i p_ik revenue_i            each term rounded to a decimal, so that no order of rows matters
        revenue_per_customer_k = revenue_k / expected_customers_k

    Money is divided by the customers that it is summed over: expected_share_k * revenue_per_customer_k adds up to the
    revenue per customer of all. `customers` counts top segments, and no money is divided by it.

    revenue     dictionary: relation (text, with customer_id and as_of_date), expression (SQL over it); none without
                money
    warning     what a person should know before using the model, as one text; none where there is nothing
    weights     dictionary: relation (text, with customer_id and as_of_date), column; none where a row is one customer

    With weights everything is counted in the customers that a row stands for: customers is their sum, rounded to a
    whole number, and the shares are those of the sums before rounding.
-#}
{%- macro seg_segment_sizes(
    model, scores, customer_segments, revenue, dialect, warning=none, weights=none
) -%}
{%- set weighted = ' * customer_weights.customer_weight' if weights else '' -%}
with

segments as (
    {%- for segment in model.components %}
    select
        {{ model.model_version }} as model_version,
        {{ loop.index }} as position,
        {{ seg_literal(segment.segment_key, dialect) }} as segment_key,
        {{ seg_literal(segment.segment_name, dialect) }} as segment_name,
        {{ seg_literal(segment.description, dialect) }} as description,
        {{ segment.weight }} as weight
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),
{%- if weights %}

customer_weights as (
    select
        customer_id,
        as_of_date,
        {{ seg_customer_weight(seg_identifier(weights.column, dialect), dialect) }} as customer_weight
    from {{ weights.relation }}
),
{%- endif %}

top_customers as (
    select
        {%- if weights %}
        customer_segments.segment_key,
        sum(customer_weights.customer_weight) as customers
    from {{ customer_segments }} as customer_segments
    {{ seg_join_weights('customer_segments') }}
    group by customer_segments.segment_key
        {%- else %}
        segment_key,
        count(*) as customers
    from {{ customer_segments }}
    group by segment_key
        {%- endif %}
),

membership_sums as (
    select
        {%- for segment in model.components %}
        {%- set p = seg_membership_column(segment) %}
        sum({{ 'scores.' if weights }}{{ p }}{{ weighted }}) as {{ p }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ scores }}
    {%- if weights %} as scores
    {{ seg_join_weights('scores') }}
    {%- endif %}
),
{%- if revenue %}

customer_revenue as (
    select
        customer_id,
        as_of_date,
        cast({{ revenue.expression }} as {{ seg_double(dialect) }}) as revenue
    from {{ revenue.relation }}
),

revenue_sums as (
    select
        {%- for segment in model.components %}
        {%- set p = 'scores.' ~ seg_membership_column(segment) ~ weighted %}
        sum(
            case
                when {{ seg_is_measured('customer_revenue.revenue') }}
                    then {{ seg_money(p ~ ' * customer_revenue.revenue', dialect) }}
            end
        ) as revenue_{{ segment.segment_key }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ scores }} as scores
    inner join customer_revenue
        on scores.customer_id = customer_revenue.customer_id and scores.as_of_date = customer_revenue.as_of_date
    {%- if weights %}
    {{ seg_join_weights('scores') }}
    {%- endif %}
),
{%- endif %}

sizes as (
    select
        segments.model_version,
        segments.position,
        segments.segment_key,
        segments.segment_name,
        segments.description,
        segments.weight,
        coalesce(top_customers.customers, 0) as customers,
        {%- set key = 'segments.segment_key' %}
        {%- set memberships = seg_of_segment(key, model.components, 'membership_sums.membership_', dialect) %}
        {{ memberships | indent(4) }} as expected_customers,
        {%- if revenue %}
        {%- set revenues = seg_of_segment(key, model.components, 'revenue_sums.revenue_', dialect) %}
        {{ revenues | indent(4) }} as revenue
        {%- else %}
        cast(null as {{ seg_double(dialect) }}) as revenue
        {%- endif %}
    from segments
    left join top_customers
        on segments.segment_key = top_customers.segment_key
    cross join membership_sums
    {%- if revenue %}
    cross join revenue_sums
    {%- endif %}
),

totals as (
    select
        cast(sum(customers) as {{ seg_double(dialect) }}) as customers,
        cast(sum(expected_customers) as {{ seg_double(dialect) }}) as expected_customers,
        cast(sum(revenue) as {{ seg_double(dialect) }}) as revenue
    from sizes
)

select
    sizes.model_version,
    cast(sizes.segment_key as {{ seg_text(dialect) }}) as segment_key,
    cast(sizes.segment_name as {{ seg_text(dialect) }}) as segment_name,
    cast(sizes.description as {{ seg_text(dialect) }}) as description,
    cast(sizes.weight as {{ seg_double(dialect) }}) as weight,
    cast({{ 'round(sizes.customers)' if weights else 'sizes.customers' }} as bigint) as customers,
    cast(sizes.customers as {{ seg_double(dialect) }}) / nullif(totals.customers, 0e0) as customer_share,
    cast(coalesce(sizes.expected_customers, 0e0) as {{ seg_double(dialect) }}) as expected_customers,
    cast(sizes.expected_customers as {{ seg_double(dialect) }})
    / nullif(totals.expected_customers, 0e0) as expected_share,
    cast(sizes.revenue as {{ seg_double(dialect) }}) as revenue,
    case
        when totals.revenue > 0e0 then cast(sizes.revenue as {{ seg_double(dialect) }}) / totals.revenue
    end as revenue_share,
    cast(sizes.revenue as {{ seg_double(dialect) }})
    / nullif(cast(sizes.expected_customers as {{ seg_double(dialect) }}), 0e0) as revenue_per_customer,
    cast({{ seg_literal(warning, dialect) if warning else 'null' }} as {{ seg_text(dialect) }}) as model_warning
from sizes
cross join totals
order by sizes.position asc nulls last
{%- endmacro -%}
