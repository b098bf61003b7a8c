{#-
    When each customer's segment or action tier will change if they buy nothing more, as one select. Pure.

    Without a purchase only recency and tenure move, by a day each day. Of z, moving features are m, all others f. With
    o_k the whitened columns y_k where z_m = 0, the scores of any later day take a few terms instead of a whole scoring:

        l_k(t) = a_k + sum_m b_km z_m(t) - 1/2 sum_mn P_kmn z_m(t) z_n(t)
        a_k    = log_norm_k - 1/2 |o_k|^2
        b_km   = - sum_j o_kj U_kmj
        P_kmn  = sum_j U_kmj U_knj

    Every day up to the last one is scored: memberships may cross more than once, and the first time counts.

    model               dictionary, as seg_mixture_scores takes it, with its patterns of missing features
    features            relation of the wide features
    customer_segments   relation of seg_customer_segments: what is true today
    days                how many days are looked at
-#}
{%- macro seg_next_changes(model, features, customer_segments, tiers, days, dialect) -%}
{%- set segments = model.components -%}
{%- set carried = 'customer_id, as_of_date, recency_days, tenure_days, current_segment_key, current_action_tier' -%}
{%- set kept = ['customer_id', 'as_of_date', 'current_segment_key', 'current_action_tier', 'days_later'] -%}
{%- set keys = segments | map(attribute='segment_key') | list -%}
{%- set branches = [] -%}
{%- do seg_add_branches(model, branches) -%}
{%- set several = branches | length > 1 -%}
with

present as (
    select
        features.*,
        customer_segments.segment_key as current_segment_key,
        customer_segments.action_tier as current_action_tier
    from {{ features }} as features
    inner join {{ customer_segments }} as customer_segments
        on features.customer_id = customer_segments.customer_id
),

{{ seg_days_to_come(days) }},

{{ seg_measured_step(model, 'present', carried, several, dialect) }}

{%- for branch in branches %}

{{ seg_resting_step(branch, carried, several, dialect) }}

{{ seg_whitened_step(branch, carried, dialect) }}

{{ seg_coefficients_step(branch, carried, dialect) }}

{{ seg_future_step(branch, kept, dialect) }}
{%- endfor %}

all_branches as (
    {%- for branch in branches %}
    select
        {{ kept | join(', ') }},
        {%- for key in keys %}
        log_joint_{{ key }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from future{{ branch.suffix }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

{{ seg_softmax_steps('all_branches', keys, kept, dialect) }}

top_membership as (
    select
        {{ kept | join(', ') }},
        {%- for key in keys %}
        shifted_{{ key }} / total as membership_{{ key }},
        {%- endfor %}
        1e0 / total as membership
    from with_total{{ seg_optimization_fence(dialect) }}
),

top_segment as (
    select
        *,
        {{ seg_top_segment(segments, 'membership', dialect) | indent(8) }} as segment_key
    from top_membership{{ seg_optimization_fence(dialect) }}
),

with_runner_up as (
    select
        {{ kept | join(', ') }},
        segment_key,
        membership,
        {{ seg_largest_of_the_others(segments, dialect) }} as runner_up_membership
    from top_segment{{ seg_optimization_fence(dialect) }}
),

with_tier as (
    select
        {{ kept | join(', ') }},
        segment_key,
        {{ seg_action_tier(tiers) | indent(8) }} as action_tier
    from with_runner_up
),

-- The day in four digits before what comes on it: the least text is that of the first day.
first_changes as (
    select
        customer_id,
        as_of_date,
        current_segment_key,
        current_action_tier,
        {%- set day = "substr(cast(10000 + days_later as " ~ seg_text(dialect) ~ "), 2)" %}
        min(case when segment_key <> current_segment_key then {{ day }} || segment_key end) as next_segment,
        min(case when action_tier <> current_action_tier then {{ day }} || action_tier end) as next_tier
    from with_tier
    group by customer_id, as_of_date, current_segment_key, current_action_tier
)

select
    customer_id,
    as_of_date,
    {{ model.model_version }} as model_version,
    cast(current_segment_key as {{ seg_text(dialect) }}) as segment_key,
    {{ seg_day_of_change('next_segment', dialect) }} as next_segment_date,
    cast(substr(next_segment, 5) as {{ seg_text(dialect) }}) as next_segment_key,
    cast({{ seg_segment_name('substr(next_segment, 5)', segments, dialect) }} as {{ seg_text(dialect) }})
        as next_segment_name,
    cast(current_action_tier as {{ seg_text(dialect) }}) as action_tier,
    {{ seg_day_of_change('next_tier', dialect) }} as next_tier_date,
    cast(substr(next_tier, 5) as {{ seg_text(dialect) }}) as next_action_tier
from first_changes
{%- endmacro -%}


{#- The features that move from day to day: recency, tenure, and ratios of them. -#}
{%- macro seg_moves(feature) -%}
    {{- 'yes' if feature.feature in ('recency_days', 'tenure_days')
        or feature.reference in ('recency_days', 'tenure_days') else '' -}}
{%- endmacro -%}


{#- The days from 1 on, made of digits: not every engine has a series of numbers. -#}
{%- macro seg_days_to_come(days) -%}
digits as (
    {%- for digit in range(10) %}
    select {{ digit }} as digit
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

days_to_come as (
    select hundreds.digit * 100 + tens.digit * 10 + units.digit + 1 as days_later
    from digits as hundreds
    cross join digits as tens
    cross join digits as units
    where hundreds.digit * 100 + tens.digit * 10 + units.digit + 1 <= {{ days }}
)
{%- endmacro -%}


{#- The standardised features of the customers of one branch, 0 for those that move. -#}
{%- macro seg_resting_step(branch, carried, several, dialect) -%}
standardized{{ branch.suffix }} as (
    select
        {{ carried }},
        {%- for feature in branch.features %}
        {{ '0e0' if seg_moves(feature) else seg_standardized(feature, 'x_' ~ feature.position) }}
            as z_{{ feature.position }},
        {%- endfor %}
        '' as missing_features
    from measured
    {%- if several %}
    where {{ seg_branch_condition(branch) }}
    {%- endif %}
    {{- seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{#- a and b of every segment. -#}
{%- macro seg_coefficients_step(branch, carried, dialect) -%}
coefficients{{ branch.suffix }} as (
    select
        {{ carried }}
        {%- for segment in branch.components %},
        {{ segment.log_norm }}
        {%- if branch.features %} - 5e-1 * ({{ seg_squared_norm(segment.segment_key, branch.features) }}){% endif %}
        {{- ' as a_' ~ segment.segment_key }}
        {%- for feature in branch.features if seg_moves(feature) %},
        {%- set row = branch.features.index(feature) %}
        {%- set terms = [] %}
        {%- for column in branch.features[row:] %}
        {%- do terms.append(
            'y_' ~ segment.segment_key ~ '_' ~ column.position ~ ' * '
            ~ segment.precision_cholesky[row][row + loop.index0]
        ) %}
        {%- endfor %}
        -({{ terms | join(' + ') }}) as b_{{ segment.segment_key }}_{{ feature.position }}
        {%- endfor %}
        {%- endfor %}
    from whitened{{ branch.suffix }}{{ seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{#- The scores of every day to come. -#}
{%- macro seg_future_step(branch, kept, dialect) -%}
{%- set moving = [] -%}
{%- for feature in branch.features if seg_moves(feature) %}{% do moving.append(feature) %}{% endfor -%}
{%- set double = seg_double(dialect) -%}
days_ahead{{ branch.suffix }} as (
    select
        coefficients.customer_id,
        coefficients.as_of_date,
        coefficients.current_segment_key,
        coefficients.current_action_tier,
        days_to_come.days_later,
        {%- for segment in branch.components %}
        coefficients.a_{{ segment.segment_key }},
        {%- for feature in moving %}
        coefficients.b_{{ segment.segment_key }}_{{ feature.position }},
        {%- endfor %}
        {%- endfor %}
        coefficients.recency_days + days_to_come.days_later as recency_days,
        coefficients.tenure_days + days_to_come.days_later as tenure_days
    from coefficients{{ branch.suffix }} as coefficients
    cross join days_to_come{{ seg_optimization_fence(dialect) }}
),

moved{{ branch.suffix }} as (
    select
        {{ kept | join(', ') }}
        {%- for segment in branch.components %},
        a_{{ segment.segment_key }}
        {%- for feature in moving %},
        b_{{ segment.segment_key }}_{{ feature.position }}
        {%- endfor %}
        {%- endfor %}
        {%- for feature in moving %},
        {{ seg_standardized(feature, '(' ~ seg_measure(feature, dialect) ~ ')') }} as z_{{ feature.position }}
        {%- endfor %}
    from days_ahead{{ branch.suffix }}{{ seg_optimization_fence(dialect) }}
),

future{{ branch.suffix }} as (
    select
        {{ kept | join(', ') }}
        {%- for segment in branch.components %},
        {%- set rows = segment.precision_cholesky %}
        a_{{ segment.segment_key }}
        {%- for feature in moving %}
        {%- set row = branch.features.index(feature) %}
        + z_{{ feature.position }} * (b_{{ segment.segment_key }}_{{ feature.position }}
        {%- for other in moving[loop.index0:] %}
        {%- set column = branch.features.index(other) %}
        {%- set product = namespace(value=0.0) %}
        {%- for j in range(branch.features | length) %}
        {%- set product.value = product.value + (rows[row][j] | float) * (rows[column][j] | float) %}
        {%- endfor %}
        {%- set weight = product.value * (0.5 if other is sameas feature else 1.0) %}
        {{- seg_minus(seg_exponent(weight)) }} * z_{{ other.position }}
        {%- endfor %})
        {%- endfor %} as log_joint_{{ segment.segment_key }}
        {%- endfor %}
    from moved{{ branch.suffix }}{{ seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{#- The date of a change, from the days in the first four digits of its text. -#}
{%- macro seg_day_of_change(column, dialect) -%}
    {{ seg_days_after('as_of_date', 'cast(substr(' ~ column ~ ', 1, 4) as integer)', dialect) }}
{%- endmacro -%}
