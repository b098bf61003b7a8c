{#-
    Customers of whom some features are missing: one branch of the scoring SQL for every set of features that is.

    The mixture over the measured features alone has the means' and covariances' parts for them. A part of a covariance
    has a factor of its own: covariance_oo = L L', and U = (L')^-1 is its precision's factor, found here once for every
    pattern and segment, so that the rows cost no more than others. Pure.
-#}

{#-
    The branches of a model, the customers of whom everything was measured first: appended to `branches`, since a macro
    returns only text.

    Each is what the steps of mixture.sql take for a model: suffix (of the steps' names), missing (names), features
    (with their position in the whole model, from 1) and components.
-#}
{%- macro seg_add_branches(model, branches) -%}
    {%- set features = [] -%}
    {%- for feature in model.features -%}
        {%- do features.append(dict(feature, position=loop.index)) -%}
    {%- endfor -%}
    {%- do branches.append(
        dict(suffix='', missing=[], features=features, components=model.components, lacking=[])
    ) -%}
    {%- for missing in model.patterns -%}
        {%- do branches.append(
            dict(suffix='_' ~ loop.index, missing=missing, features=[], components=[], lacking=[])
        ) -%}
        {%- do seg_fill_branch(model.components, features, branches[-1]) -%}
    {%- endfor -%}
{%- endmacro -%}


{#- Puts the measured features, and the segments as mixtures over them, into a branch. -#}
{%- macro seg_fill_branch(components, features, branch) -%}
    {%- for feature in features -%}
        {%- do (branch.lacking if feature.feature in branch.missing else branch.features).append(feature) -%}
    {%- endfor -%}
    {%- set places = branch.features | map(attribute='position') | list -%}
    {%- for segment in components -%}
        {%- set mean, factor, root = [], [], namespace(determinant=segment.weight | float) -%}
        {%- do seg_invert_factor(segment.covariance, places, factor) -%}
        {%- for place in places -%}
            {%- do mean.append(segment.mean[place - 1]) -%}
            {%- set root.determinant = root.determinant * (factor[loop.index0][loop.index0] | float) -%}
        {%- endfor -%}
        {%- set half_log_two_pi = 0.9189385332046727 -%}
        {%- set constant = seg_exponent(half_log_two_pi * places | length) -%}
        {%- do branch.components.append(dict(
            segment,
            mean=mean,
            precision_cholesky=factor,
            log_norm='ln(' ~ seg_exponent(root.determinant) ~ ')' ~ seg_minus(constant)
        )) -%}
    {%- endfor -%}
{%- endmacro -%}


{#-
    The factor U, upper triangular, of the inverse of a covariance's part: part = L L', U = (L^-1)'.

    covariance  numbers as exponent texts; places: which rows and columns, from 1
    factor      an empty list that gets U's rows as exponent texts
-#}
{%- macro seg_invert_factor(covariance, places, factor) -%}
    {%- set lower, inverse = [], [] -%}
    {%- for i in range(places | length) -%}
        {%- do lower.append([]) -%}
        {%- do inverse.append([]) -%}
        {%- for j in range(i + 1) -%}
            {%- set rest = namespace(value=covariance[places[i] - 1][places[j] - 1] | float) -%}
            {%- for m in range(j) -%}
                {%- set rest.value = rest.value - lower[i][m] * lower[j][m] -%}
            {%- endfor -%}
            {%- do lower[i].append(rest.value ** 0.5 if i == j else rest.value / lower[j][j]) -%}
        {%- endfor -%}
        {%- for j in range(i + 1) -%}
            {%- set rest = namespace(value=1.0 if i == j else 0.0) -%}
            {%- for m in range(j, i) -%}
                {%- set rest.value = rest.value - lower[i][m] * inverse[m][j] -%}
            {%- endfor -%}
            {%- do inverse[i].append(rest.value / lower[i][i]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for i in range(places | length) -%}
        {%- do factor.append([]) -%}
        {%- for j in range(places | length) -%}
            {%- do factor[i].append(seg_exponent(inverse[j][i] if j >= i else 0.0)) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro -%}


{#- Who is in a branch: exactly these features were measured. -#}
{%- macro seg_branch_condition(branch) -%}
    {%- set terms = [] -%}
    {%- for feature in branch.features -%}
        {%- do terms.append('x_' ~ feature.position ~ ' is not null') -%}
    {%- endfor -%}
    {%- for feature in branch.lacking -%}
        {%- do terms.append('x_' ~ feature.position ~ ' is null') -%}
    {%- endfor -%}
    {{- terms | join(' and ') -}}
{%- endmacro -%}


{#- Whether the nearest segment is farther than the 99 % quantile of chi-square with as many degrees of freedom as
    features were measured, by the approximation of Wilson and Hilferty (1931), within 1 %; NULL where log_density says
    it. -#}
{%- macro seg_is_far(branch) -%}
    {%- if not branch.missing -%}
        cast(null as boolean)
    {%- elif not branch.features -%}
        1 = 0
    {%- else -%}
        {%- set spread = 2 / (9 * branch.features | length) -%}
        {%- set quantile = (branch.features | length) * (1 - spread + 2.3263478740408408 * spread ** 0.5) ** 3 -%}
        {%- for segment in branch.components -%}
            {%- set distance = seg_squared_norm(segment.segment_key, branch.features) -%}
            {{ ' and ' if not loop.first }}{{ distance }} > {{ seg_exponent(quantile) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}


{#- A 1 for every feature that is missing, else a 0, in the model's order; '' where none is. -#}
{%- macro seg_pattern_of_branch(branch, features) -%}
    {%- if branch.missing -%}
        {%- for feature in features -%}{{ '1' if feature.feature in branch.missing else '0' }}{%- endfor -%}
    {%- endif -%}
{%- endmacro -%}


{#- Which features a customer lacks, as a text that names a pattern; '' where nothing is missing. -#}
{%- macro seg_pattern_of_customer(features) -%}
    case
            when {{ seg_all_are_measured(features) }} then ''
            else {{ seg_missing_flags(features) }}
        end
{%- endmacro -%}


{#- A customer's 1 for every feature that is missing, else a 0, as one text. -#}
{%- macro seg_missing_flags(features) -%}
    {%- for feature in features -%}
        case when x_{{ loop.index }} is null then '1' else '0' end{{ ' || ' if not loop.last }}
    {%- endfor -%}
{%- endmacro -%}


{#- How many customers lack which features, the most frequent pattern first, none of them those that lack nothing.
    `missing` has a 1 for every feature that is missing, else a 0, in the model's order. -#}
{%- macro seg_count_patterns(model, relation, limit, dialect) -%}
with

measured as (
    select
        {%- for feature in model.features %}
        {{ seg_measure(feature, dialect) }} as x_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
),

patterns as (
    select
        {{ seg_missing_flags(model.features) }} as missing
    from measured
    where {% for feature in model.features %}x_{{ loop.index }} is null{{ ' or ' if not loop.last }}{% endfor %}
)

select
    'missing ' || missing as missing,
    count(*) as customers
from patterns
group by missing
order by count(*) desc nulls last, missing asc nulls last
limit {{ limit }}
{%- endmacro -%}
