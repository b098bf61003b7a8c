{#-
    What one pass of expectation maximisation needs of all customers, as one row of sums: nobody leaves the warehouse.

    Per segment k, with the memberships p under the given parameters and a customer's weight w (1 where there is none):

        n_k = sum w p_k        z_k_f = sum w p_k z_f        zz_k_f_g = sum w p_k (z_f z_g + psi_f where f = g)
        objective = sum w ln sum_k exp(l_k)

    Values are standardised, so that the sums are centred: a hundred million of them lose no digits that count. psi is
    the variance that rounding left (docs/model.md); it enters l_k as -1/2 sum_f (inverse covariance_k)_ff psi_f.

    model       as seg_mixture_scores takes it
    missing     names of the features that the summed customers lack, and no others do; [] for those who lack none
    roundings   a list beside model.features: step and atoms, by value; [] where every value is exact
    weight      name of the column of weights, or none
    diagonal    true where the covariances are diagonal: the squares are enough
-#}
{%- macro seg_population_sums(model, missing, relation, roundings, weight, diagonal, dialect) -%}
{%- set branches = [] -%}
{%- do seg_add_branches(dict(model, patterns=[missing] if missing else []), branches) -%}
{%- set part = branches[-1] -%}
{%- set weights = ['customer_weight'] if weight else [] -%}
{%- set carried = [] -%}
{%- for feature in part.features -%}{%- do carried.append('z_' ~ feature.position) -%}{%- endfor -%}
{%- set rounded = [] -%}
{%- for feature in part.features if roundings and seg_is_rounded(roundings[feature.position - 1]) == 'yes' -%}
    {%- do rounded.append(feature) -%}
{%- endfor -%}
{%- for feature in rounded -%}{%- do carried.append('psi_' ~ feature.position) -%}{%- endfor -%}
{%- do carried.extend(weights) -%}
{%- set carried = carried | join(', ') -%}
{%- set times_weight = ' * customer_weight' if weight else '' -%}
{%- set also = carried ~ ', ' if carried else '' -%}
with

{{ seg_measured_step(model, relation, 'cast(' ~ seg_identifier(weight, dialect) ~ ' as ' ~ seg_double(dialect) ~ ') as customer_weight' if weight else '1 as one', false, dialect) }}

standardized as (
    select
        {%- for feature in part.features %}
        {{ seg_standardized(feature, 'x_' ~ feature.position) }} as z_{{ feature.position }},
        {%- endfor %}
        {%- for feature in rounded %}
        {{ seg_rounding_variance(feature, 'x_' ~ feature.position, roundings[feature.position - 1]) }} as psi_{{ feature.position }},
        {%- endfor %}
        {{ 'customer_weight' if weight else 'one' }}
    from measured
    where {{ seg_branch_condition(part) }}
),

whitened as (
    select
        {%- for segment in part.components %}
        {%- for feature in part.features %}
        {{ seg_whitened(segment, part.features, loop.index0) }} as y_{{ segment.segment_key }}_{{ feature.position }},
        {%- endfor %}
        {%- endfor %}
        {{ carried or 'one' }}
    from standardized
),

log_joint as (
    select
        {{ also }}
        {%- for segment in part.components %}
        {{ segment.log_norm }}{{ seg_half_norm(segment, part.features, rounded) }} as log_joint_{{ segment.segment_key }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from whitened
),

maximum as (
    select
        {{ also }}
        {%- for segment in part.components %}
        log_joint_{{ segment.segment_key }},
        {%- endfor %}
        {{ seg_greatest('log_joint_', part.components) }} as maximum
    from log_joint
),

shifted as (
    select
        {{ also }}
        {%- for segment in part.components %}
        {{ seg_exp_of_negative('log_joint_' ~ segment.segment_key ~ ' - maximum', dialect) }} as shifted_{{ segment.segment_key }},
        {%- endfor %}
        maximum
    from maximum
),

total as (
    select
        {{ also }}
        {%- for segment in part.components %}
        shifted_{{ segment.segment_key }},
        {%- endfor %}
        {% for segment in part.components %}{{ ' + ' if not loop.first }}shifted_{{ segment.segment_key }}{% endfor %} as total,
        maximum
    from shifted
),

memberships as (
    select
        {{ also }}
        {%- for segment in part.components %}
        shifted_{{ segment.segment_key }} / total{{ times_weight }} as membership_{{ segment.segment_key }},
        {%- endfor %}
        {%- for first in part.features %}
        {%- for second in part.features if second.position == first.position or (second.position > first.position and not diagonal) %}
        z_{{ first.position }} * z_{{ second.position }}{{ ' + psi_' ~ first.position if first == second and first in rounded }} as zz_{{ first.position }}_{{ second.position }},
        {%- endfor %}
        {%- endfor %}
        (maximum + ln(total)){{ times_weight }} as density
    from total
)

select
    {%- for segment in part.components %}
    {%- set membership = 'membership_' ~ segment.segment_key %}
    sum({{ membership }}) as n_{{ loop.index }},
    {%- set k = loop.index %}
    {%- for first in part.features %}
    sum({{ membership }} * z_{{ first.position }}) as z_{{ k }}_{{ first.position }},
    {%- for second in part.features if second.position == first.position or (second.position > first.position and not diagonal) %}
    sum({{ membership }} * zz_{{ first.position }}_{{ second.position }}) as zz_{{ k }}_{{ first.position }}_{{ second.position }},
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
    sum(density) as objective
from memberships
{%- endmacro -%}


{#- ` - 1/2 (|y|^2 + sum_f (U U')_ff psi_f)`; nothing where nothing was measured. -#}
{%- macro seg_half_norm(segment, features, rounded) -%}
    {%- if features %} - 5e-1 * ({{ seg_squared_norm(segment.segment_key, features) }}
        {%- for feature in features -%}
            {%- if feature in rounded %} + psi_{{ feature.position }} * {{ seg_precision(segment, loop.index0) }}{% endif -%}
        {%- endfor -%}
    ){%- endif -%}
{%- endmacro -%}


{#- (U U')_ff: the precision of one feature given all others. -#}
{%- macro seg_precision(segment, row) -%}
    {%- set found = namespace(sum=0.0) -%}
    {%- for number in segment.precision_cholesky[row] -%}
        {%- set found.sum = found.sum + (number | float) ** 2 -%}
    {%- endfor -%}
    {{- seg_exponent(found.sum) -}}
{%- endmacro -%}


{#- psi = (step T'(clip(x)))^2, step = q / (scale sqrt(12)); of an atom the variance that it was given. -#}
{%- macro seg_rounding_variance(feature, column, rounding) -%}
    {%- set value = seg_clipped(feature, column) -%}
    {%- set slope = rounding.step ~ ' * ' ~ seg_slope(feature.transform, value) -%}
    {%- if rounding.atoms -%}
        case {{ value }}
            {%- for atom in rounding.atoms %}
            when {{ atom[0] }} then {{ atom[1] }}
            {%- endfor %}
            else ({{ slope }}) * ({{ slope }})
        end
    {%- else -%}
        ({{ slope }}) * ({{ slope }})
    {%- endif -%}
{%- endmacro -%}


{%- macro seg_is_rounded(rounding) -%}
    {{- 'yes' if rounding.atoms or rounding.step != '0.0e0' else 'no' -}}
{%- endmacro -%}
