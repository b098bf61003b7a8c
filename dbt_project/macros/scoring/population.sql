{#-
    What one pass of expectation maximisation needs of all customers, as one row of sums: nobody leaves the warehouse.

    Both steps are inner products over a customer's moments, 1, z_f and zz_f_g = z_f z_g (+ rounding_variance_f
    where f = g):

        l_k       = ln w_k + E ln N(z | m_k, covariance_k) = sum of coefficients times moments     log_joint
        n_k = sum w p_k        z_k_f = sum w p_k z_f        zz_k_f_g = sum w p_k zz_f_g
        objective = sum w ln sum_k exp(l_k)

    with the memberships p and a customer's weight w (1 where there is none); v is the variance that rounding left
    (docs/explanation/model.md). Values are standardised, so that the sums are centred: a hundred million of them lose
    no digits that count. The moments are needed for the sums anyway: whitened columns beside them made the pass a tenth
    slower.

    features        as model.features of seg_mixture_scores
    missing         names of the features that the summed customers lack, and no others do; [] for those who lack none
    coefficients    per segment a text for every moment: 1, z by feature, zz by pairs of features f <= g in their order
    roundings       a list beside features: step and point masses, by value; [] where every value is exact
    weight          name of the column of weights, or none
    diagonal        true where the covariances are diagonal: the squares are enough
-#}
{%- macro seg_population_sums(features, missing, relation, coefficients, roundings, weight, diagonal, dialect) -%}
{%- set moments, rounded = [], [] -%}
{%- do seg_add_moments(features, missing, diagonal, moments) -%}
{%- set measured = moments | selectattr('second', 'none') | list -%}
{%- set products = moments | rejectattr('second', 'none') | list -%}
{%- for moment in measured if roundings and seg_is_rounded(roundings[moment.first - 1]) == 'yes' -%}
    {%- do rounded.append(moment.first) -%}
{%- endfor -%}
{%- set weighted = ' * customer_weight' if weight else '' -%}
{%- set carried = (moments | map(attribute='name') | list) + (['customer_weight'] if weight else []) -%}
{%- set also = (carried | join(', ') ~ ',') if carried else '' -%}
with

{{ seg_measured_step({'features': features}, relation, seg_weight_column(weight, dialect), false, dialect) }}

standardized as (
    select
        {%- for moment in measured %}
        {{ seg_standardized(features[moment.first - 1], 'x_' ~ moment.first) }} as {{ moment.name }},
        {%- endfor %}
        {%- for position in rounded %}
        {%- set variance = seg_rounding_variance(features[position - 1], 'x_' ~ position, roundings[position - 1]) %}
        {{ variance }} as rounding_variance_{{ position }},
        {%- endfor %}
        customer_weight
    from measured
    where {% for feature in features -%}
        x_{{ loop.index }} is {{ 'null' if feature.feature in missing else 'not null' }}{{ ' and ' if not loop.last }}
    {%- endfor %}
    {{- seg_optimization_fence(dialect) }}
),

with_moments as (
    select
        {%- for moment in measured %}
        {{ moment.name }},
        {%- endfor %}
        {%- for moment in products %}
        {%- set is_square_of_rounded = moment.first == moment.second and moment.first in rounded %}
        {%- set variance = ' + rounding_variance_' ~ moment.first if is_square_of_rounded %}
        z_{{ moment.first }} * z_{{ moment.second }}{{ variance }} as {{ moment.name }},
        {%- endfor %}
        customer_weight
    from standardized{{ seg_optimization_fence(dialect) }}
),
{%- if dialect == 'duckdb' and moments %}

with_list_of_moments as (
    select
        {{ also }}
        [{{ moments | map(attribute='name') | join(', ') }}] as moments
    from with_moments
),
{%- endif %}

log_joint as (
    select
        {{ also }}
        {%- for row in coefficients %}
        {{ row[0] }}{{ seg_plus_inner_product(moments, row, dialect) }} as log_joint_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ 'with_list_of_moments' if dialect == 'duckdb' and moments else 'with_moments' }}
    {{- seg_optimization_fence(dialect) }}
),

{{ seg_softmax_steps('log_joint', range(1, coefficients | length + 1) | list, carried, dialect) }}

memberships as (
    select
        {{ also }}
        {%- for row in coefficients %}
        shifted_{{ loop.index }} / total{{ weighted }} as membership_{{ loop.index }},
        {%- endfor %}
        (maximum + ln(total)){{ weighted }} as density
    from with_total{{ seg_optimization_fence(dialect) }}
)

select
    {%- for row in coefficients %}
    {%- set k = loop.index %}
    sum(membership_{{ k }}) as n_{{ k }},
    {%- for moment in moments %}
    sum(membership_{{ k }} * {{ moment.name }}) as {{ seg_sum_name(moment, k) }},
    {%- endfor %}
    {%- endfor %}
    sum(density) as objective
from memberships
{%- endmacro -%}


{#- Appends the moments of the measured features: name, first and second feature (none for the value itself), and the
    place among the coefficients of all features, of which 0 is the constant. -#}
{%- macro seg_add_moments(features, missing, diagonal, moments) -%}
    {%- set place = namespace(next=1) -%}
    {%- for feature in features -%}
        {%- if feature.feature not in missing -%}
            {%- do moments.append(
                {'name': 'z_' ~ loop.index, 'first': loop.index, 'second': none, 'place': place.next}
            ) -%}
        {%- endif -%}
        {%- set place.next = place.next + 1 -%}
    {%- endfor -%}
    {%- for first in range(1, features | length + 1) -%}
        {%- for second in range(first, features | length + 1) -%}
            {%- set pair = [features[first - 1].feature, features[second - 1].feature] -%}
            {%- set known = pair[0] not in missing and pair[1] not in missing -%}
            {%- if known and (first == second or not diagonal) -%}
                {%- do moments.append(
                    {'name': 'zz_' ~ first ~ '_' ~ second, 'first': first, 'second': second, 'place': place.next}
                ) -%}
            {%- endif -%}
            {%- set place.next = place.next + 1 -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro -%}


{#- ` + sum of moments times coefficients`. On DuckDB over a list: 8 of them over 44 moments took 0.3 s a million
    customers, and 1.0 s as a sum of products, each of which is a vector of its own there. -#}
{%- macro seg_plus_inner_product(moments, row, dialect) -%}
    {%- if not moments -%}
    {%- elif dialect == 'duckdb' %} + list_inner_product(moments, [
        {%- for moment in moments -%}{{ row[moment.place] }}{{ ', ' if not loop.last }}{%- endfor -%}
        ])
    {%- else -%}
        {%- for moment in moments if row[moment.place] != '0.0e0' %} + {{ moment.name }} * {{ row[moment.place] }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}


{#- The column of one sum of segment `k`: of a feature, or of a product of two. -#}
{%- macro seg_sum_name(moment, k) -%}
    {%- if moment.second is none -%}
        z_{{ k }}_{{ moment.first }}
    {%- else -%}
        zz_{{ k }}_{{ moment.first }}_{{ moment.second }}
    {%- endif -%}
{%- endmacro -%}


{%- macro seg_weight_column(weight, dialect) -%}
    {{- seg_as_double(weight, dialect) if weight else '1e0' }} as customer_weight
{%- endmacro -%}


{#- (step T'(clip(x)))^2, step = q / (scale sqrt(12)); of a point mass the variance that it was given. -#}
{%- macro seg_rounding_variance(feature, column, rounding) -%}
    {%- set value = seg_clipped(feature, column) -%}
    {%- set slope = rounding.step ~ ' * ' ~ seg_slope(feature.transform, value) -%}
    {%- if rounding.point_masses -%}
        case {{ value }}
            {%- for mass in rounding.point_masses %}
            when {{ mass[0] }} then {{ mass[1] }}
            {%- endfor %}
            else ({{ slope }}) * ({{ slope }})
        end
    {%- else -%}
        ({{ slope }}) * ({{ slope }})
    {%- endif -%}
{%- endmacro -%}


{%- macro seg_is_rounded(rounding) -%}
    {{- 'yes' if rounding.point_masses or rounding.step != '0.0e0' else 'no' -}}
{%- endmacro -%}
