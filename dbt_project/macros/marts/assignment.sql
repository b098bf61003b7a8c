{#-
    One row per customer: the top segment, the runner-up, how mixed the customer is, and the action tier.

    scores      relation of seg_customer_scores
    tiers       dictionary: dominant, hybrid (numbers)
    Ties go to the segment that comes first. A membership may be zero, where p ln p is 0: hence the 1e-300 in its
    logarithm.
-#}
{%- macro seg_customer_assignment(model, scores, tiers, dialect) -%}
{%- set segments = model.components -%}
with

scores as (
    select
        customer_id,
        as_of_date,
        model_version,
        {%- for segment in segments %}
        {{ seg_membership_column(segment) }},
        {%- endfor %}
        log_density,
        is_outlier,
        missing_features
    from {{ scores }}
),

top_membership as (
    select
        *,
        {{ seg_largest_membership(segments) }} as membership
    from scores{{ seg_optimization_fence(dialect) }}
),

top_segment as (
    select
        *,
        {{ seg_top_segment(segments, 'membership', dialect) | indent(8) }} as segment_key
    from top_membership{{ seg_optimization_fence(dialect) }}
),

with_runner_up_membership as (
    select
        *,
        {{ seg_largest_of_the_others(segments, dialect) }} as runner_up_membership
    from top_segment{{ seg_optimization_fence(dialect) }}
),

runner_up_segment as (
    select
        *,
        case
            {%- for segment in segments %}
            {%- set key = seg_literal(segment.segment_key, dialect) %}
            when segment_key <> {{ key }} and {{ seg_membership_column(segment) }} = runner_up_membership then {{ key }}
            {%- endfor %}
        end as runner_up_segment_key
    from with_runner_up_membership{{ seg_optimization_fence(dialect) }}
)

select
    customer_id,
    as_of_date,
    cast(model_version as integer) as model_version,
    cast(segment_key as {{ seg_text(dialect) }}) as segment_key,
    cast({{ seg_segment_name('segment_key', segments, dialect) }} as {{ seg_text(dialect) }}) as segment_name,
    membership,
    cast(runner_up_segment_key as {{ seg_text(dialect) }}) as runner_up_segment_key,
    {%- set runner_up_name = seg_segment_name('runner_up_segment_key', segments, dialect) %}
    cast({{ runner_up_name }} as {{ seg_text(dialect) }}) as runner_up_segment_name,
    cast(runner_up_membership as {{ seg_double(dialect) }}) as runner_up_membership,
    -(
    {%- for segment in segments -%}
        {%- set p = seg_membership_column(segment) -%}
        {{ ' + ' if not loop.first }}{{ p }} * ln(greatest({{ p }}, 1e-300))
    {%- endfor -%}
    ) as entropy,
    log_density,
    is_outlier,
    cast({{ seg_action_tier(tiers) | indent(4) }} as {{ seg_text(dialect) }}) as action_tier,
    cast(missing_features as {{ seg_text(dialect) }}) as missing_features
from runner_up_segment
{%- endmacro -%}


{#- What to do about a customer with this membership and runner_up_membership. -#}
{%- macro seg_action_tier(tiers) -%}
case
    when membership >= {{ seg_exponent(tiers.dominant) }} then 'dominant'
    when runner_up_membership >= {{ seg_exponent(tiers.hybrid) }} then 'hybrid'
    else 'exploratory'
end
{%- endmacro -%}


{#- The largest membership but for the top segment's; NULL where there is only one segment. -#}
{%- macro seg_largest_of_the_others(segments, dialect) -%}
    {%- if segments | length == 1 -%}
        null
    {%- else -%}
        greatest(
            {%- for segment in segments %}
            {%- set key = seg_literal(segment.segment_key, dialect) %}
            case when segment_key = {{ key }} then -1e0 else {{ seg_membership_column(segment) }} end
            {{- ',' if not loop.last }}
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro -%}
