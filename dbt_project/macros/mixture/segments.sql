{#- What the marts make of the scores: one row per customer, long memberships, profiles. Pure, as mixture.sql is. -#}


{#-
    One row per customer: the top segment, the runner-up, how mixed the customer is, and the action tier.

    scores      relation of seg_customer_scores
    tiers       dictionary: dominant, hybrid (numbers)
    Ties go to the segment that comes first. A membership may be zero, where p ln p is 0: hence the 1e-300 in its logarithm.
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
        missing_features
    from {{ scores }}
),

top_membership as (
    select
        *,
        {{ seg_greatest('membership_', segments) }} as membership
    from scores
),

top_segment as (
    select
        *,
        case
            {%- for segment in segments %}
            when {{ seg_membership_column(segment) }} = membership then {{ seg_literal(segment.segment_key, dialect) }}
            {%- endfor %}
        end as segment_key
    from top_membership
),

runner_up_membership as (
    select
        *,
        {{ seg_largest_of_the_others(segments, dialect) }} as runner_up_membership
    from top_segment
),

runner_up_segment as (
    select
        *,
        case
            {%- for segment in segments %}
            when segment_key <> {{ seg_literal(segment.segment_key, dialect) }} and {{ seg_membership_column(segment) }} = runner_up_membership then {{ seg_literal(segment.segment_key, dialect) }}
            {%- endfor %}
        end as runner_up_segment_key
    from runner_up_membership
)

select
    customer_id,
    as_of_date,
    cast(model_version as integer) as model_version,
    cast(segment_key as {{ seg_text(dialect) }}) as segment_key,
    cast({{ seg_segment_name('segment_key', segments, dialect) }} as {{ seg_text(dialect) }}) as segment_name,
    membership,
    cast(runner_up_segment_key as {{ seg_text(dialect) }}) as runner_up_segment_key,
    cast({{ seg_segment_name('runner_up_segment_key', segments, dialect) }} as {{ seg_text(dialect) }}) as runner_up_segment_name,
    cast(runner_up_membership as {{ seg_double(dialect) }}) as runner_up_membership,
    -({% for segment in segments %}{{ ' + ' if not loop.first }}{{ seg_membership_column(segment) }} * ln(greatest({{ seg_membership_column(segment) }}, 1e-300)){% endfor %}) as entropy,
    log_density,
    log_density < {{ model.outlier_log_density }} as is_outlier,
    cast(
        case
            when membership >= {{ seg_exponent(tiers.dominant) }} then 'dominant'
            when runner_up_membership >= {{ seg_exponent(tiers.hybrid) }} then 'hybrid'
            else 'exploratory'
        end as {{ seg_text(dialect) }}
    ) as action_tier,
    cast(missing_features as {{ seg_text(dialect) }}) as missing_features
from runner_up_segment
{%- endmacro -%}


{#- The largest membership but for the top segment's; NULL where there is only one segment. -#}
{%- macro seg_largest_of_the_others(segments, dialect) -%}
    {%- if segments | length == 1 -%}
        null
    {%- else -%}
        greatest(
            {%- for segment in segments %}
            case when segment_key = {{ seg_literal(segment.segment_key, dialect) }} then -1e0 else {{ seg_membership_column(segment) }} end
            {{- ',' if not loop.last }}
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro -%}


{%- macro seg_segment_name(key_column, segments, dialect) -%}
    case {{ key_column }}
        {%- for segment in segments %}
        when {{ seg_literal(segment.segment_key, dialect) }} then {{ seg_literal(segment.segment_name, dialect) }}
        {%- endfor %}
    end
{%- endmacro -%}


{#- Long form: one row per customer and segment. One scan of the scores, however many segments there are. -#}
{%- macro seg_long_memberships(model, scores, dialect) -%}
with

segments as (
    {%- for segment in model.components %}
    select {{ seg_literal(segment.segment_key, dialect) }} as segment_key
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    scores.customer_id,
    scores.as_of_date,
    cast(scores.model_version as integer) as model_version,
    cast(segments.segment_key as {{ seg_text(dialect) }}) as segment_key,
    cast({{ seg_segment_name('segments.segment_key', model.components, dialect) }} as {{ seg_text(dialect) }}) as segment_name,
    case segments.segment_key
        {%- for segment in model.components %}
        when {{ seg_literal(segment.segment_key, dialect) }} then scores.{{ seg_membership_column(segment) }}
        {%- endfor %}
    end as membership
from {{ scores }} as scores
cross join segments
{%- endmacro -%}


{#-
    One row per segment and measure, in the measure's own unit, weighted by membership.

        mean_k = sum_i p_ik x_i / sum_i p_ik        standard_deviation_k likewise, over customers with a measure

    measures    list of dictionaries: feature, shift (a number near the measure's middle: sums of squares are taken
                around it, so that a large mean with a small spread loses no digits)
    Everything is summed in one pass into one row; a union per segment then lays it out.
-#}
{%- macro seg_profiles(model, features, scores, measures, dialect) -%}
with

measured as (
    select
        {%- for segment in model.components %}
        scores.{{ seg_membership_column(segment) }},
        {%- endfor %}
        {%- for measure in measures %}
        {%- set column = 'cast(features.' ~ seg_identifier(measure.feature, dialect) ~ ' as ' ~ seg_double(dialect) ~ ')' %}
        case when {{ seg_is_measured(column) }} then {{ column }}{{ seg_minus(measure.shift) }} end as x_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ features }} as features
    inner join {{ scores }} as scores
        on features.customer_id = scores.customer_id and features.as_of_date = scores.as_of_date
),

sums as (
    select
        {%- for measure in measures %}
        {%- set x = 'x_' ~ loop.index %}
        cast(count({{ x }}) as {{ seg_double(dialect) }}) as count_{{ x }},
        sum({{ x }}) as sum_{{ x }},
        sum({{ x }} * {{ x }}) as squares_{{ x }},
        {%- for segment in model.components %}
        {%- set p = seg_membership_column(segment) %}
        sum(case when {{ x }} is not null then {{ p }} end) as count_{{ x }}_{{ segment.segment_key }},
        sum({{ p }} * {{ x }}) as sum_{{ x }}_{{ segment.segment_key }},
        sum({{ p }} * {{ x }} * {{ x }}) as squares_{{ x }}_{{ segment.segment_key }}{{ ',' if not loop.last }}
        {%- endfor %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from measured
),
{% for segment in model.components %}
profile_{{ segment.segment_key }} as (
    {%- for measure in measures %}
    select
        {{ seg_literal(segment.segment_key, dialect) }} as segment_key,
        {{ seg_literal(measure.feature, dialect) }} as feature,
        {{ measure.shift }} as shift,
        {%- set x = 'x_' ~ loop.index %}
        count_{{ x }}_{{ segment.segment_key }} as customers,
        sum_{{ x }}_{{ segment.segment_key }} as total,
        squares_{{ x }}_{{ segment.segment_key }} as squares,
        count_{{ x }} as population_customers,
        sum_{{ x }} as population_total,
        squares_{{ x }} as population_squares
    from sums
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),
{% endfor %}
profiles as (
    {%- for segment in model.components %}
    select * from profile_{{ segment.segment_key }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

means as (
    select
        segment_key,
        feature,
        shift,
        total / nullif(customers, 0e0) as centered_mean,
        squares / nullif(customers, 0e0) as mean_square,
        population_total / nullif(population_customers, 0e0) as population_centered_mean,
        population_squares / nullif(population_customers, 0e0) as population_mean_square
    from profiles
),

deviations as (
    select
        segment_key,
        feature,
        shift + centered_mean as mean,
        shift + population_centered_mean as population_mean,
        sqrt(greatest(mean_square - centered_mean * centered_mean, 0e0)) as standard_deviation,
        sqrt(greatest(population_mean_square - population_centered_mean * population_centered_mean, 0e0)) as population_deviation
    from means
)

select
    cast(segment_key as {{ seg_text(dialect) }}) as segment_key,
    cast(feature as {{ seg_text(dialect) }}) as feature,
    cast(mean as {{ seg_double(dialect) }}) as mean,
    cast(standard_deviation as {{ seg_double(dialect) }}) as standard_deviation,
    cast(population_mean as {{ seg_double(dialect) }}) as population_mean,
    cast(1e2 * mean / nullif(population_mean, 0e0) as {{ seg_double(dialect) }}) as index_vs_population,
    cast((mean - population_mean) / nullif(population_deviation, 0e0) as {{ seg_double(dialect) }}) as z_score
from deviations
{%- endmacro -%}


{#- One row per segment: its weight in the model, the customers it is the top segment of, and the sum of memberships. -#}
{%- macro seg_segment_sizes(model, scores, customer_segments, dialect) -%}
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

top_customers as (
    select
        segment_key,
        count(*) as customers
    from {{ customer_segments }}
    group by segment_key
),

membership_sums as (
    select
        {%- for segment in model.components %}
        sum({{ seg_membership_column(segment) }}) as {{ seg_membership_column(segment) }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ scores }}
)

select
    segments.model_version,
    cast(segments.segment_key as {{ seg_text(dialect) }}) as segment_key,
    cast(segments.segment_name as {{ seg_text(dialect) }}) as segment_name,
    cast(segments.description as {{ seg_text(dialect) }}) as description,
    cast(segments.weight as {{ seg_double(dialect) }}) as weight,
    cast(coalesce(top_customers.customers, 0) as bigint) as customers,
    cast(
        coalesce(
            case segments.segment_key
                {%- for segment in model.components %}
                when {{ seg_literal(segment.segment_key, dialect) }} then membership_sums.{{ seg_membership_column(segment) }}
                {%- endfor %}
            end,
            0e0
        ) as {{ seg_double(dialect) }}
    ) as expected_customers
from segments
left join top_customers
    on segments.segment_key = top_customers.segment_key
cross join membership_sums
order by segments.position
{%- endmacro -%}


{#-
    What a profile describes: the model's features, and the order history's own measures where there is one.

    A measure's shift is the training median where the model has one.
-#}
{%- macro seg_measures(model, further_measures) -%}
    {%- set names = model.features | map(attribute='feature') | list -%}
    [
    {%- for feature in model.features -%}
        {{ ', ' if not loop.first }}{"feature": {{ feature.feature | tojson }}, "shift": "{{ feature.fill_value }}"}
    {%- endfor -%}
    {%- for name in further_measures if name not in names -%}
        , {"feature": "{{ name }}", "shift": "0e0"}
    {%- endfor -%}
    ]
{%- endmacro -%}
