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
{%- set carried = 'customer_id, as_of_date, recency_days, tenure_days, current_position, current_tier' -%}
{%- set kept = ['customer_id', 'as_of_date', 'current_position', 'current_tier', 'days_later'] -%}
{%- set tier_names = ['dominant', 'hybrid', 'exploratory'] -%}
{%- set keys = segments | map(attribute='segment_key') | list -%}
{%- set branches = [] -%}
{%- do seg_add_branches(model, branches) -%}
{%- set several = branches | length > 1 -%}
with

present as (
    select
        features.*,
        {{ seg_number_of('customer_segments.segment_key', keys, dialect) | indent(8) }} as current_position,
        {{ seg_number_of('customer_segments.action_tier', tier_names, dialect) | indent(8) }} as current_tier
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

with_maximum as (
    select
        *,
        {{ seg_greatest('log_joint_', keys) }} as maximum
    from all_branches{{ seg_optimization_fence(dialect) }}
),

-- A number in the place of the key: texts for every customer and day take longer than all the rest.
with_position as (
    select
        *,
        case
            {%- for key in keys %}
            when log_joint_{{ key }} = maximum then {{ loop.index }}
            {%- endfor %}
        end as position
    from with_maximum{{ seg_optimization_fence(dialect) }}
),

with_runner_up as (
    select
        *,
        {%- if keys | length == 1 %}
        0e0 as odds_of_runner_up
        {%- else %}
        {%- set others -%}
            greatest(
            {%- for key in keys -%}
                case when position = {{ loop.index }} then -1e300 else log_joint_{{ key }} end
                {{- ', ' if not loop.last }}
            {%- endfor -%}
            )
        {%- endset %}
        {{ seg_exp_of_negative(others ~ ' - maximum', dialect) }} as odds_of_runner_up
        {%- endif %}
    from with_position{{ seg_optimization_fence(dialect) }}
),

-- Whoever is dominant today, and has the same segment so far ahead that it is dominant whatever the others are, changes
-- nothing on that day.
possible_changes as (
    select *
    from with_runner_up
    where
        position <> current_position
        or current_tier <> 1
        or {{ keys | length - 1 }} * odds_of_runner_up > 1e0 / {{ seg_exponent(tiers.dominant) }} - 1e0
),

with_total as (
    select
        {{ kept | join(', ') }},
        position,
        odds_of_runner_up,
        {% for key in keys %}
        {{- ' + ' if not loop.first }}{{ seg_exp_of_negative('log_joint_' ~ key ~ ' - maximum', dialect) }}
        {%- endfor %} as total
    from possible_changes{{ seg_optimization_fence(dialect) }}
),

with_memberships as (
    select
        {{ kept | join(', ') }},
        position,
        1e0 / total as membership,
        odds_of_runner_up / total as runner_up_membership
    from with_total{{ seg_optimization_fence(dialect) }}
),

with_tier as (
    select
        {{ kept | join(', ') }},
        position,
        {{ seg_number_of(seg_action_tier(tiers), tier_names, dialect) | indent(8) }} as tier
    from with_memberships{{ seg_optimization_fence(dialect) }}
),

-- The day before what comes on it, in one number: the least is that of the first day.
first_changes as (
    select
        customer_id,
        min(case when position <> current_position then days_later * 1000 + position end) as next_segment,
        min(case when tier <> current_tier then days_later * 1000 + tier end) as next_tier
    from with_tier
    group by customer_id
)

select
    present.customer_id,
    present.as_of_date,
    {{ model.model_version }} as model_version,
    {{ seg_name_of('present.current_position', keys, dialect) }} as segment_key,
    {{ seg_day_of_change('first_changes.next_segment', dialect) }} as next_segment_date,
    {{ seg_name_of('mod(first_changes.next_segment, 1000)', keys, dialect) }} as next_segment_key,
    {{ seg_name_of('mod(first_changes.next_segment, 1000)', segments | map(attribute='segment_name') | list, dialect) }}
        as next_segment_name,
    {{ seg_name_of('present.current_tier', tier_names, dialect) }} as action_tier,
    {{ seg_day_of_change('first_changes.next_tier', dialect) }} as next_tier_date,
    {{ seg_name_of('mod(first_changes.next_tier, 1000)', tier_names, dialect) }} as next_action_tier
from present
left join first_changes
    on present.customer_id = first_changes.customer_id
{%- endmacro -%}


{#- The place of a text among names, from 1. -#}
{%- macro seg_number_of(text, names, dialect) -%}
case {{ text }}
    {%- for name in names %}
    when {{ seg_literal(name, dialect) }} then {{ loop.index }}
    {%- endfor %}
end
{%- endmacro -%}


{#- The name at a place, from 1. -#}
{%- macro seg_name_of(number, names, dialect) -%}
cast(case {{ number }}
        {%- for name in names %}
        when {{ loop.index }} then {{ seg_literal(name, dialect) }}
        {%- endfor %}
    end as {{ seg_text(dialect) }})
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
        coefficients.current_position,
        coefficients.current_tier,
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


{#- The date of a change, from the number that its days and what comes make. -#}
{%- macro seg_day_of_change(column, dialect) -%}
    {%- set days = 'cast(floor(' ~ column ~ ' / 1000) as integer)' -%}
    {{ seg_days_after('present.as_of_date', days, dialect) }}
{%- endmacro -%}
