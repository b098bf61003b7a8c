{#-
    Posterior probabilities of a Gaussian mixture, as one select.

        z_f   = (T_f(clip(x_f)) - center_f) / scale_f                      standardized
        y_k   = (z - m_k) U_k,  with  inverse covariance_k = U_k U_k'      whitened
        l_k   = log_norm_k - 1/2 sum_j y_kj^2                              log_joint
        p_k   = exp(l_k - max l) / sum_i exp(l_i - max l)                  maximum, shifted, memberships
        log_density = max l + ln sum_i exp(l_i - max l)

    Whitened columns measured 1.3 to 2.3 times faster than the expanded quadratic form and are the more exact;
    `y * y` measured twice as fast as pow(y, 2). Every step selects only what the next one needs: DuckDB
    materialises wide pass-through selects.

    model       dictionary: model_version, features, components (see docs/model.md)
    relation    text of a relation, or of a select in parentheses
    keys        names of the columns that identify a row; they pass through
    dialect     dbt's name of the engine
-#}
{%- macro seg_mixture_scores(model, relation, keys, dialect) -%}
{%- set segments = model.components -%}
with

measured as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for feature in model.features %}
        cast({{ seg_identifier(feature.feature, dialect) }} as {{ seg_double(dialect) }}) as x_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}{{ seg_step_end(dialect) }}
),

standardized as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for feature in model.features %}
        {{ seg_standardized(feature, 'x_' ~ loop.index) }} as z_{{ loop.index }},
        {%- endfor %}
        {{ seg_missing_features(model.features, dialect) }} as missing_features
    from measured{{ seg_step_end(dialect) }}
),

whitened as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for segment in segments %}
        {%- for feature in model.features %}
        {{ seg_whitened(segment, loop.index0) }} as y_{{ segment.segment_key }}_{{ loop.index }},
        {%- endfor %}
        {%- endfor %}
        missing_features
    from standardized{{ seg_step_end(dialect) }}
),

log_joint as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for segment in segments %}
        {{ segment.log_norm }} - 5e-1 * ({{ seg_squared_norm(segment.segment_key, model.features | length) }}) as log_joint_{{ segment.segment_key }},
        {%- endfor %}
        missing_features
    from whitened{{ seg_step_end(dialect) }}
),

maximum as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for segment in segments %}
        log_joint_{{ segment.segment_key }},
        {%- endfor %}
        {{ seg_greatest('log_joint_', segments) }} as maximum,
        missing_features
    from log_joint{{ seg_step_end(dialect) }}
),

shifted as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for segment in segments %}
        {{ seg_exp_of_negative('log_joint_' ~ segment.segment_key ~ ' - maximum', dialect) }} as shifted_{{ segment.segment_key }},
        {%- endfor %}
        maximum,
        missing_features
    from maximum{{ seg_step_end(dialect) }}
),

total as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {%- for segment in segments %}
        shifted_{{ segment.segment_key }},
        {%- endfor %}
        {% for segment in segments %}{{ ' + ' if not loop.first }}shifted_{{ segment.segment_key }}{% endfor %} as total,
        maximum,
        missing_features
    from shifted{{ seg_step_end(dialect) }}
),

memberships as (
    select
        {{ seg_key_columns(keys, dialect) }},
        {{ model.model_version }} as model_version,
        {%- for segment in segments %}
        shifted_{{ segment.segment_key }} / total as {{ seg_membership_column(segment) }},
        {%- endfor %}
        maximum + ln(total) as log_density,
        missing_features
    from total
)

select
    {{ seg_key_columns(keys, dialect) }},
    model_version,
    {%- for segment in segments %}
    {{ seg_membership_column(segment) }},
    {%- endfor %}
    log_density,
    missing_features
from memberships
{%- endmacro -%}


{%- macro seg_key_columns(keys, dialect) -%}
    {%- for key in keys -%}{{ seg_identifier(key, dialect) }}{{ ', ' if not loop.last }}{%- endfor -%}
{%- endmacro -%}


{%- macro seg_membership_column(segment) -%}
    membership_{{ segment.segment_key }}
{%- endmacro -%}


{#- Names of the features that were not measured, separated by commas; '' when all were. -#}
{%- macro seg_missing_features(features, dialect) -%}
    case
            when {% for feature in features %}{{ seg_is_measured('x_' ~ loop.index) }}{{ ' and ' if not loop.last }}{% endfor %} then ''
            else substr(
                {%- for feature in features %}
                case when {{ seg_is_measured('x_' ~ loop.index) }} then '' else {{ seg_literal(', ' ~ feature.feature, dialect) }} end
                {{- ' ||' if not loop.last else ', 3' }}
                {%- endfor %}
            )
        end
{%- endmacro -%}


{#- One column j of y_k = (z - m_k) U_k. U_k is upper triangular, so rows after j, and zeros before it, add nothing. -#}
{%- macro seg_whitened(segment, column) -%}
    {%- for row in range(column + 1) if segment.precision_cholesky[row][column] != '0.0e0' -%}
        {{ ' + ' if not loop.first }}(z_{{ row + 1 }}{{ seg_minus(segment.mean[row]) }}) * {{ segment.precision_cholesky[row][column] }}
    {%- endfor -%}
{%- endmacro -%}


{%- macro seg_squared_norm(segment_key, n_features) -%}
    {%- for index in range(1, n_features + 1) -%}
        {{ ' + ' if not loop.first }}y_{{ segment_key }}_{{ index }} * y_{{ segment_key }}_{{ index }}
    {%- endfor -%}
{%- endmacro -%}


{#- Postgres and its kin raise an error where exp or a product underflows, so there the argument stops at -200: such a
    membership is 1e-87, and its product with the square of any measure (seg_profiles) is still a number. Elsewhere
    greatest() would cost a twentieth of the whole statement for nothing. -#}
{%- macro seg_exp_of_negative(argument, dialect) -%}
    {%- if dialect in ('postgres', 'redshift') -%}
        exp(greatest({{ argument }}, -2e2))
    {%- else -%}
        exp({{ argument }})
    {%- endif -%}
{%- endmacro -%}


{#- The largest of one column per segment. Spark's greatest() refuses a single argument. -#}
{%- macro seg_greatest(prefix, segments) -%}
    {%- if segments | length == 1 -%}
        {{ prefix }}{{ segments[0].segment_key }}
    {%- else -%}
        greatest({% for segment in segments %}{{ prefix }}{{ segment.segment_key }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro -%}
