{#-
    One row per segment and measure, in the measure's own unit, weighted by membership.

        mean_k = sum_i w_i p_ik x_i / sum_i w_i p_ik        standard_deviation_k likewise, over customers with a measure

    measures    list of dictionaries: feature, shift (a number near the measure's middle: sums of squares are taken
                around it, so that a large mean with a small spread loses no digits)
    weight      name of the column of features that says how many customers w_i a row stands for; none where each is one
    Everything is summed in one pass into one row; a union per segment then lays it out.
-#}
{%- macro seg_profiles(model, features, scores, measures, dialect, weight=none) -%}
{%- set weighted = ' * customer_weight' if weight else '' -%}
with

measured as (
    select
        {%- for segment in model.components %}
        scores.{{ seg_membership_column(segment) }},
        {%- endfor %}
        {%- if weight %}
        {{ seg_customer_weight('features.' ~ seg_identifier(weight, dialect), dialect) }} as customer_weight,
        {%- endif %}
        {%- for measure in measures %}
        {%- set column = 'features.' ~ seg_identifier(measure.feature, dialect) %}
        {%- set value = 'cast(' ~ column ~ ' as ' ~ seg_double(dialect) ~ ')' %}
        case when {{ seg_is_measured(value) }} then {{ value }}{{ seg_minus(measure.shift) }} end as x_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ features }} as features
    inner join {{ scores }} as scores
        on features.customer_id = scores.customer_id and features.as_of_date = scores.as_of_date
),

sums as (
    select
        {%- for segment in model.components %}
        sum({{ seg_membership_column(segment) }}{{ weighted }}) as members_{{ segment.segment_key }},
        {%- endfor %}
        {%- for measure in measures %}
        {%- set x = 'x_' ~ loop.index %}
        {%- if weight %}
        sum(case when {{ x }} is not null then customer_weight end) as count_{{ x }},
        {%- else %}
        cast(count({{ x }}) as {{ seg_double(dialect) }}) as count_{{ x }},
        {%- endif %}
        sum({{ x }}{{ weighted }}) as sum_{{ x }},
        sum({{ x }} * {{ x }}{{ weighted }}) as squares_{{ x }},
        {%- for segment in model.components %}
        {%- set p = seg_membership_column(segment) ~ weighted %}
        sum(case when {{ x }} is not null then {{ p }} end) as count_{{ x }}_{{ segment.segment_key }},
        sum({{ p }} * {{ x }}) as sum_{{ x }}_{{ segment.segment_key }},
        sum({{ p }} * {{ x }} * {{ x }}) as squares_{{ x }}_{{ segment.segment_key }}{{ ',' if not loop.last }}
        {%- endfor %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from measured
),
{{ seg_profile_rows(model, measures, dialect) }},

means as (
    select
        segment_key,
        feature,
        shift,
        customers >= 5e-1 * members as is_usual,
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
        is_usual,
        shift + centered_mean as mean,
        shift + population_centered_mean as population_mean,
        sqrt(greatest(mean_square - centered_mean * centered_mean, 0e0)) as standard_deviation,
        sqrt(
            greatest(population_mean_square - population_centered_mean * population_centered_mean, 0e0)
        ) as population_deviation
    from means
),

differences as (
    select
        segment_key,
        feature,
        is_usual,
        mean,
        standard_deviation,
        population_mean,
        (mean - population_mean) / nullif(population_deviation, 0e0) as z_score
    from deviations
)

select
    cast(segment_key as {{ seg_text(dialect) }}) as segment_key,
    cast(feature as {{ seg_text(dialect) }}) as feature,
    cast(mean as {{ seg_double(dialect) }}) as mean,
    cast(standard_deviation as {{ seg_double(dialect) }}) as standard_deviation,
    cast(population_mean as {{ seg_double(dialect) }}) as population_mean,
    cast(1e2 * mean / nullif(population_mean, 0e0) as {{ seg_double(dialect) }}) as index_vs_population,
    cast(z_score as {{ seg_double(dialect) }}) as z_score,
    {#- What most of a segment lacks, as who bought once lacks a gap between orders, says little of it. Shares of two
        categories differ equally but for the last digits, which the order of rows decides: hence floor(). Engines put
        NULL first or last: hence coalesce(). #}
    cast(
        row_number() over (
            partition by segment_key
            order by
                case when is_usual and z_score is not null then 0 else 1 end asc nulls last,
                coalesce(floor(1e6 * abs(z_score)), -1e0) desc nulls last,
                {{ seg_text_order('feature', dialect) }} asc nulls last
        ) as integer
    ) as distinctiveness_rank
from differences
{%- endmacro -%}


{#-
    The step `profiles`: the one row of sums laid out as a row per segment and measure.

    A union of one select per row, read from the sums, is the fastest where the engine works the sums out once. Spark
    puts a step's text in the place of its name: a union would be as many scans of all customers as there are rows (70
    of them ran out of 2 GB on 3,000 customers). There the sums are read once, beside a list of the rows that are
    wanted.
-#}
{%- macro seg_profile_rows(model, measures, dialect) -%}
    {%- if dialect in ('spark', 'databricks') -%}
        {{ seg_profile_rows_beside_a_list(model, measures, dialect) }}
    {%- else -%}
        {{ seg_profile_rows_as_union(model, measures, dialect) }}
    {%- endif -%}
{%- endmacro -%}


{#- The one row of sums as one row per segment and measure: a select for each, united. -#}
{%- macro seg_profile_rows_as_union(model, measures, dialect) -%}
{% for segment in model.components %}
profile_{{ segment.segment_key }} as (
    {%- for measure in measures %}
    select
        {{ seg_literal(segment.segment_key, dialect) }} as segment_key,
        {{ seg_literal(measure.feature, dialect) }} as feature,
        {{ measure.shift }} as shift,
        {%- set x = 'x_' ~ loop.index %}
        members_{{ segment.segment_key }} as members,
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
)
{%- endmacro -%}


{#- The same in one scan of the sums, beside a list of the segments and measures. -#}
{%- macro seg_profile_rows_beside_a_list(model, measures, dialect) -%}
profiles as (
    select
        wanted.segment_key,
        wanted.feature,
        wanted.shift,
        {{ seg_profile_cell('members_{segment}', model, measures) }} as members,
        {{ seg_profile_cell('count_{x}_{segment}', model, measures) }} as customers,
        {{ seg_profile_cell('sum_{x}_{segment}', model, measures) }} as total,
        {{ seg_profile_cell('squares_{x}_{segment}', model, measures) }} as squares,
        {{ seg_profile_cell('count_{x}', model, measures) }} as population_customers,
        {{ seg_profile_cell('sum_{x}', model, measures) }} as population_total,
        {{ seg_profile_cell('squares_{x}', model, measures) }} as population_squares
    from sums
    cross join (
        values
        {%- for segment in model.components %}
        {%- set segment_number = loop.index0 %}
        {%- set is_last_segment = loop.last %}
        {%- for measure in measures %}
        {%- set row_index = segment_number * (measures | length) + loop.index %}
        {%- set feature = seg_literal(measure.feature, dialect) %}
        ({{ row_index }}, {{ seg_literal(segment.segment_key, dialect) }}, {{ feature }}, {{ measure.shift }})
        {{- ',' if not (is_last_segment and loop.last) }}
        {%- endfor %}
        {%- endfor %}
    ) as wanted (row_index, segment_key, feature, shift)
)
{%- endmacro -%}


{#- The column of the sums, by a pattern of its name, that belongs to each wanted row. -#}
{%- macro seg_profile_cell(pattern, model, measures) -%}
    case wanted.row_index
        {%- for segment in model.components %}
        {%- set segment_number = loop.index0 %}
        {%- for measure in measures %}
            when {{ segment_number * (measures | length) + loop.index }} then sums.
            {{- pattern | replace('{x}', 'x_' ~ loop.index) | replace('{segment}', segment.segment_key) }}
        {%- endfor %}
        {%- endfor %}
        end
{%- endmacro -%}


{#-
    What a profile describes: the model's features, and the order history's own measures where there is one.

    A measure's shift is the training median where the model has one.
-#}
{%- macro seg_measures(model, further_measures) -%}
    {%- set names = model.features | map(attribute='feature') | list -%}
    [
    {%- for feature in model.features -%}
        {{ ', ' if not loop.first }}{"feature": {{ feature.feature | tojson }}, "shift": "{{ feature.median }}"}
    {%- endfor -%}
    {%- for name in further_measures if name not in names -%}
        , {"feature": "{{ name }}", "shift": "0e0"}
    {%- endfor -%}
    ]
{%- endmacro -%}
