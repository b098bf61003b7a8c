{#-
    Movement between two scorings of the same customers. Pure.

    With memberships p before and q after, and TV = sum_k (p_k - q_k)+ the total variation:

        stays in k        min(p_k, q_k)
        from k to l       (p_k - q_k)+ (q_l - p_l)+ / TV,    k <> l; nothing where TV = 0

    What leaves k goes to the segments that gain, in proportion to their gain: a customer who stays half and half moves
    nowhere. Row sums are p, column sums are q. Whoever is missing on one side is wholly `_absent` there, which no
    segment is called.

    A step is {date, previous_date (texts), cause, before, after}; before and after are {date, basis, model}: the
    scorings that it compares. Cause: `customers` where both are of one model; `model` where both are of one date;
    `customers and model` where neither.
-#}


{#- One row per customer of a step: top segments and memberships of both sides, losses, gains, and TV. -#}
{%- macro seg_compared_memberships(step, history, dialect) -%}
{%- set before = step.before.model.components | map(attribute='segment_key') | list -%}
{%- set after = step.after.model.components | map(attribute='segment_key') | list -%}
{%- set keys = (before + after) | unique | list + ['_absent'] -%}
paired as (
    select
        coalesce(earlier.customer_id, later.customer_id) as customer_id,
        earlier.segment_key as previous_segment_key,
        later.segment_key,
        earlier.scored_at as previous_scored_at,
        later.scored_at,
        {%- for key in keys[:-1] %}
        {{ 'coalesce(earlier.membership_' ~ key ~ ', 0e0)' if key in before else '0e0' }} as p_{{ key }},
        {{ 'coalesce(later.membership_' ~ key ~ ', 0e0)' if key in after else '0e0' }} as q_{{ key }},
        {%- endfor %}
        case when earlier.customer_id is null then 1e0 else 0e0 end as p__absent,
        case when later.customer_id is null then 1e0 else 0e0 end as q__absent
    from ({{ seg_scoring_rows(step.before, history, dialect) }}) as earlier
    full outer join ({{ seg_scoring_rows(step.after, history, dialect) }}) as later
        on earlier.customer_id = later.customer_id
        {{- seg_optimization_fence(dialect) }}
),

compared as (
    select
        *,
        {%- for key in keys %}
        case when p_{{ key }} > q_{{ key }} then p_{{ key }} - q_{{ key }} else 0e0 end as loss_{{ key }},
        case when q_{{ key }} > p_{{ key }} then q_{{ key }} - p_{{ key }} else 0e0 end as gain_{{ key }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from paired{{ seg_optimization_fence(dialect) }}
),

with_variation as (
    select
        *,
        {% for key in keys %}loss_{{ key }}{{ ' + ' if not loop.last }}{% endfor %} as total_variation
    from compared{{ seg_optimization_fence(dialect) }}
)
{%- endmacro -%}


{#- The rows of one scoring. -#}
{%- macro seg_scoring_rows(scoring, history, dialect) -%}
select *
        from {{ history }}
        where
            as_of_date = {{ seg_date(scoring.date, dialect) }}
            and basis = {{ seg_literal(scoring.basis, dialect) }}
            and model_version = {{ scoring.model.model_version }}
{%- endmacro -%}


{#-
    Rows of `seg_segment_transitions`: how many customers went from which segment to which, by their top segments and
    expected. Customers who come or go have NULL on the other side.

    names       segment key → name
-#}
{%- macro seg_flow_rows(step, history, names, dialect) -%}
{%- set text, double = seg_text(dialect), seg_double(dialect) -%}
{%- set flows = [] -%}
{%- do seg_add_flows(step, flows) -%}
with

{{ seg_compared_memberships(step, history, dialect) }},

-- One row: each flow is a column, so that the customers are read once.
sums as (
    select
        {%- for flow in flows %}
        sum({{ flow.part }}) as flow_{{ loop.index }},
        {%- endfor %}
        max(previous_scored_at) as previous_scored_at,
        max(scored_at) as scored_at
    from with_variation
),

flows as (
    {%- for flow in flows %}
    select
        {{ loop.index }} as position,
        {{ seg_flow_key(flow.source, dialect) }} as previous_segment_key,
        {{ seg_flow_key(flow.destination, dialect) }} as segment_key
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

expected as (
    select
        flows.previous_segment_key,
        flows.segment_key,
        case flows.position
            {%- for flow in flows %}
            when {{ loop.index }} then sums.flow_{{ loop.index }}
            {%- endfor %}
        end as expected_customers,
        sums.previous_scored_at,
        sums.scored_at
    from flows
    cross join sums
),

counted as (
    select
        earlier.segment_key as previous_segment_key,
        later.segment_key,
        count(*) as customers
    from ({{ seg_scoring_rows(step.before, history, dialect) }}) as earlier
    full outer join ({{ seg_scoring_rows(step.after, history, dialect) }}) as later
        on earlier.customer_id = later.customer_id
    group by earlier.segment_key, later.segment_key
)

select
    {{ seg_date(step.previous_date, dialect) }} as previous_as_of_date,
    cast({{ seg_literal(step.cause, dialect) }} as {{ text }}) as cause,
    {{ step.before.model.model_version }} as previous_model_version,
    {{ step.after.model.model_version }} as model_version,
    expected.previous_segment_key,
    {{ seg_name_of_key('expected.previous_segment_key', names, dialect) }} as previous_segment_name,
    expected.segment_key,
    {{ seg_name_of_key('expected.segment_key', names, dialect) }} as segment_name,
    cast(coalesce(counted.customers, 0) as bigint) as customers,
    cast(expected.expected_customers as {{ double }}) as expected_customers,
    cast(
        expected.expected_customers
        / nullif(sum(expected.expected_customers) over (partition by expected.previous_segment_key), 0e0)
        as {{ double }}
    ) as share_of_previous,
    cast(
        expected.expected_customers
        / nullif(sum(expected.expected_customers) over (partition by expected.segment_key), 0e0)
        as {{ double }}
    ) as share_of_segment,
    expected.previous_scored_at,
    expected.scored_at,
    {{ seg_date(step.date, dialect) }} as as_of_date
from expected
left join counted
    on coalesce(expected.previous_segment_key, '') = coalesce(counted.previous_segment_key, '')
    and coalesce(expected.segment_key, '') = coalesce(counted.segment_key, '')
where
    counted.customers > 0
    or expected.expected_customers > 0e0
{%- endmacro -%}


{#- The flows of a step, appended to a list as {source, destination, part}; part is a customer's share in the flow, over
    the columns of seg_compared_memberships. -#}
{%- macro seg_add_flows(step, flows) -%}
    {%- set before = step.before.model.components | map(attribute='segment_key') | list + ['_absent'] -%}
    {%- set after = step.after.model.components | map(attribute='segment_key') | list + ['_absent'] -%}
    {%- for k in before -%}
        {%- for l in after if not k == l == '_absent' -%}
            {%- set moved = 'case when loss_' ~ k ~ ' > 0e0 and gain_' ~ l ~ ' > 0e0 then loss_' ~ k ~ ' * (gain_' ~ l
                ~ ' / total_variation) else 0e0 end' -%}
            {%- set part = 'p_' ~ k ~ ' - loss_' ~ k if k == l else moved -%}
            {%- do flows.append({'source': k, 'destination': l, 'part': part}) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro -%}


{#- A segment's key as a text, or the NULL of customers who come or go. -#}
{%- macro seg_flow_key(key, dialect) -%}
    cast({{ 'null' if key == '_absent' else seg_literal(key, dialect) }} as {{ seg_text(dialect) }})
{%- endmacro -%}


{#- The name of the segment in a column of keys. -#}
{%- macro seg_name_of_key(column, names, dialect) -%}
    cast(case {{ column }}
        {%- for key, name in names.items() %}
        when {{ seg_literal(key, dialect) }} then {{ seg_literal(name, dialect) }}
        {%- endfor %}
    end as {{ seg_text(dialect) }})
{%- endmacro -%}


{#-
    Rows of `seg_customer_movements`: how far each customer moved, and which memberships rose and fell most. Ties go to
    the segment that comes first. Only customers that are on both sides.
-#}
{%- macro seg_movement_rows(step, history, dialect) -%}
{%- set components = step.before.model.components + step.after.model.components -%}
{%- set keys = components | map(attribute='segment_key') | unique | list -%}
{%- set text, double = seg_text(dialect), seg_double(dialect) -%}
with

{{ seg_compared_memberships(step, history, dialect) }},

with_extremes as (
    select
        *,
        {{ seg_greatest('gain_', keys) }} as largest_gain,
        {{ seg_greatest('loss_', keys) }} as largest_loss
    from with_variation
    where
        previous_segment_key is not null
        and segment_key is not null{{ seg_optimization_fence(dialect) }}
)

select
    customer_id,
    {{ seg_date(step.previous_date, dialect) }} as previous_as_of_date,
    cast({{ seg_literal(step.cause, dialect) }} as {{ text }}) as cause,
    {{ step.after.model.model_version }} as model_version,
    cast(previous_segment_key as {{ text }}) as previous_segment_key,
    cast(segment_key as {{ text }}) as segment_key,
    cast(total_variation as {{ double }}) as total_variation,
    {%- for side, change in [('gain', 'largest_gain'), ('loss', 'largest_loss')] %}
    {%- set verb = 'rose' if side == 'gain' else 'fell' %}
    cast(case
        when {{ change }} <= 0e0 then null
        {%- for key in keys %}
        when {{ side }}_{{ key }} = {{ change }} then {{ seg_literal(key, dialect) }}
        {%- endfor %}
    end as {{ text }}) as most_{{ verb }}_segment_key,
    cast({{ change }} as {{ double }}) as most_{{ verb }}_by,
    {%- endfor %}
    previous_scored_at,
    scored_at,
    {{ seg_date(step.date, dialect) }} as as_of_date
from with_extremes
{%- endmacro -%}
