{#-
    Posterior probabilities of a Gaussian mixture, as one select.

        z_f   = (T_f(clip(x_f)) - center_f) / scale_f                      standardized
        y_k   = (z - m_k) U_k,  with  inverse covariance_k = U_k U_k'      whitened
        l_k   = log_norm_k - 1/2 sum_j y_kj^2                              log_joint
        p_k   = exp(l_k - max l) / sum_i exp(l_i - max l)                  maximum, shifted, memberships
        log_density = max l + ln sum_i exp(l_i - max l)

    Whitened columns are more exact than the expanded quadratic form, and faster for many features
    (docs/proof/performance.md); `y * y` measured twice as fast as pow(y, 2). Every step selects only what the next one
    needs: DuckDB materialises wide pass-through selects.

    A feature that was not measured is marginalised: customers that lack the same features are scored by a mixture of
    the other ones, in a branch of their own (patterns.sql). Where nobody lacks any there is one branch.

    model       dictionary: model_version, features, components, patterns (see docs/explanation/model.md)
    relation    text of a relation, or of a select in parentheses
    keys        names of the columns that identify a row; they pass through
    dialect     dbt's name of the engine
-#}
{%- macro seg_mixture_scores(model, relation, keys, dialect) -%}
{%- set segments = model.components -%}
{%- set branches = [] -%}
{%- do seg_add_branches(model, branches) -%}
{%- set several = branches | length > 1 -%}
{%- set carried = [seg_key_columns(keys, dialect)] + (['is_far'] if several else []) + ['missing_features'] -%}
with

{{ seg_measured_step(model, relation, seg_key_columns(keys, dialect), several, dialect) }}

{%- for branch in branches %}

{{ seg_standardized_step(branch, seg_key_columns(keys, dialect), several, dialect) }}

{{ seg_whitened_step(branch, seg_key_columns(keys, dialect), dialect) }}

{{ seg_log_joint_step(branch, seg_key_columns(keys, dialect), several, dialect) }}
{%- endfor %}
{%- if several %}

all_branches as (
    {%- for branch in branches %}
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for segment in segments %}
        log_joint_{{ segment.segment_key }},
        {%- endfor %}
        is_far,
        missing_features
    from log_joint{{ branch.suffix }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),
{%- endif %}

{%- set source = 'all_branches' if several else 'log_joint' %}

{{ seg_softmax_steps(source, segments | map(attribute='segment_key') | list, carried, dialect) }}

memberships as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {{ model.model_version }} as model_version,
        {%- for segment in segments %}
        shifted_{{ segment.segment_key }} / total as {{ seg_membership_column(segment) }},
        {%- endfor %}
        maximum + ln(total) as log_density,
        {%- if several %}
        is_far,
        {%- endif %}
        missing_features
    from with_total
)

select
    {{ seg_key_columns(keys, dialect) }},
    model_version,
    {%- for segment in segments %}
    {{ seg_membership_column(segment) }},
    {%- endfor %}
    log_density,
    {%- set is_unlikely = 'log_density < ' ~ model.outlier_log_density %}
    {{ 'coalesce(is_far, ' ~ is_unlikely ~ ')' if several else is_unlikely }} as is_outlier,
    missing_features
from memberships
{%- endmacro -%}


{#- What was measured, as doubles; NULL, NaN and infinite values are NULL from here on, as are ratios without a
    part. -#}
{%- macro seg_measured_step(model, relation, carried, several, dialect) -%}
measured as {{ seg_not_materialized(dialect) if several }}(
    select
        {{ carried }},
        {%- for feature in model.features %}
        {{ seg_measure(feature, dialect) }} as x_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}{{ seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{#- The standardised features of the customers of one branch. -#}
{%- macro seg_standardized_step(branch, carried, several, dialect) -%}
standardized{{ branch.suffix }} as (
    select
        {{ carried }},
        {%- for feature in branch.features %}
        {{ seg_standardized(feature, 'x_' ~ feature.position) }} as z_{{ feature.position }},
        {%- endfor %}
        {%- if several %}
        {{ seg_literal(branch.missing | join(', '), dialect) }} as missing_features
        {%- else %}
        {{ seg_missing_features(branch.features, dialect) }} as missing_features
        {%- endif %}
    from measured
    {%- if several %}
    where {{ seg_branch_condition(branch) }}
    {%- endif %}
    {{- seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{#- The whitened columns y of every segment, in the features of one branch. -#}
{%- macro seg_whitened_step(branch, carried, dialect) -%}
whitened{{ branch.suffix }} as (
    select
        {{ carried }},
        {%- for segment in branch.components %}
        {%- for feature in branch.features %}
        {{ seg_whitened(segment, branch.features, loop.index0) }} as y_{{ segment.segment_key }}_{{ feature.position }},
        {%- endfor %}
        {%- endfor %}
        missing_features
    from standardized{{ branch.suffix }}{{ seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{#- Where there are several branches each says who is far, since log densities over other features cannot be compared:
    a customer with a missing feature whose distance to the nearest segment is beyond the 99 % of chi-square. -#}
{%- macro seg_log_joint_step(branch, carried, several, dialect) -%}
log_joint{{ branch.suffix }} as (
    select
        {{ carried }},
        {%- for segment in branch.components %}
        {{ segment.log_norm }}
        {%- if branch.features %} - 5e-1 * ({{ seg_squared_norm(segment.segment_key, branch.features) }}){% endif %}
        {{- ' as log_joint_' ~ segment.segment_key }},
        {%- endfor %}
        {%- if several %}
        {{ seg_is_far(branch) }} as is_far,
        {%- endif %}
        missing_features
    from whitened{{ branch.suffix }}{{ seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{#- From log_joint_<name> to shifted_<name>, their total and the maximum, in three steps of which the last is
    `with_total`.

    source    the step that has log_joint_<name> and the carried columns
    names     what follows log_joint_: a segment's key, or its number
    carried   texts of the columns that pass through -#}
{%- macro seg_softmax_steps(source, names, carried, dialect) -%}
with_maximum as (
    select
        {%- for column in carried %}
        {{ column }},
        {%- endfor %}
        {%- for name in names %}
        log_joint_{{ name }},
        {%- endfor %}
        {{ seg_greatest('log_joint_', names) }} as maximum
    from {{ source }}{{ seg_optimization_fence(dialect) }}
),

shifted as (
    select
        {%- for column in carried %}
        {{ column }},
        {%- endfor %}
        {%- for name in names %}
        {{ seg_exp_of_negative('log_joint_' ~ name ~ ' - maximum', dialect) }} as shifted_{{ name }},
        {%- endfor %}
        maximum
    from with_maximum{{ seg_optimization_fence(dialect) }}
),

with_total as (
    select
        {%- for column in carried %}
        {{ column }},
        {%- endfor %}
        {%- for name in names %}
        shifted_{{ name }},
        {%- endfor %}
        {% for name in names %}{{ ' + ' if not loop.first }}shifted_{{ name }}{% endfor %} as total,
        maximum
    from shifted{{ seg_optimization_fence(dialect) }}
),
{%- endmacro -%}


{%- macro seg_key_columns(keys, dialect) -%}
    {%- for key in keys -%}{{ seg_identifier(key, dialect) }}{{ ', ' if not loop.last }}{%- endfor -%}
{%- endmacro -%}


{%- macro seg_membership_column(segment) -%}
    membership_{{ segment.segment_key }}
{%- endmacro -%}


{#- The measured value of a feature as a double, or NULL: nothing beyond 1e100 is a measurement. -#}
{%- macro seg_measure(feature, dialect) -%}
    {%- set value = seg_as_double(feature.feature, dialect) -%}
    {%- if feature.reference is none -%}
        case when {{ seg_is_measured(value) }} then {{ value }} end
    {%- else -%}
        {%- set whole = seg_as_double(feature.reference, dialect) -%}
        {%- set ratio -%}
            greatest({{ value }}, {{ feature.floor }}) / greatest({{ whole }}, {{ feature.floor }})
        {%- endset -%}
        case when {{ seg_is_measured(value) }} and {{ seg_is_measured(whole) }} then {{ ratio }} end
    {%- endif -%}
{%- endmacro -%}


{%- macro seg_as_double(column, dialect) -%}
    cast({{ seg_identifier(column, dialect) }} as {{ seg_double(dialect) }})
{%- endmacro -%}


{%- macro seg_all_are_measured(features) -%}
    {%- for feature in features -%}x_{{ loop.index }} is not null{{ ' and ' if not loop.last }}{%- endfor -%}
{%- endmacro -%}


{#- Names of the features that were not measured, separated by commas; '' when all were. -#}
{%- macro seg_missing_features(features, dialect) -%}
    case
            when {{ seg_all_are_measured(features) }} then ''
            else substr(
                {%- for feature in features %}
                {%- set name = seg_literal(', ' ~ feature.feature, dialect) %}
                case when x_{{ loop.index }} is not null then '' else {{ name }} end
                {{- ' ||' if not loop.last else ', 3' }}
                {%- endfor %}
            )
        end
{%- endmacro -%}


{#- One column j of y_k = (z - m_k) U_k. U_k is upper triangular, so rows after j, and zeros before it, add nothing. -#}
{%- macro seg_whitened(segment, features, column) -%}
    {%- set factor = segment.precision_cholesky -%}
    {%- for row in range(column + 1) if factor[row][column] != '0.0e0' -%}
        {{ ' + ' if not loop.first }}(z_{{ features[row].position }}{{ seg_minus(segment.mean[row]) }})
        {{- ' * ' ~ factor[row][column] }}
    {%- endfor -%}
{%- endmacro -%}


{#- The sum of the squares of one segment's whitened columns. -#}
{%- macro seg_squared_norm(segment_key, features) -%}
    {%- for feature in features -%}
        {%- set y = 'y_' ~ segment_key ~ '_' ~ feature.position -%}
        {{ ' + ' if not loop.first }}{{ y }} * {{ y }}
    {%- endfor -%}
{%- endmacro -%}
