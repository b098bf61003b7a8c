{#- The steps of seg_customer_reasons that rank the contributions. Pure. -#}


{#- The largest contribution but for those of the ranks before, and the position of its feature: 0 where nothing more
    speaks for the segment. -#}
{%- macro seg_reason_steps(rank, carried, features, dialect) -%}
{%- set before = range(1, rank) -%}
strength_{{ rank }} as (
    select
        {{ seg_ranked_so_far(carried, features, before) }}
        greatest(
            0e0,
            {%- for feature in features %}
            {{ seg_unless_taken(loop.index, before) }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        ) as largest_{{ rank }}
    from {{ 'reason_' ~ (rank - 1) if before else 'contributions' }}
),

reason_{{ rank }} as {{ seg_materialized(dialect) }}(
    select
        {{ seg_ranked_so_far(carried, features, before) }}
        largest_{{ rank }},
        case
            when largest_{{ rank }} = 0e0 then 0
            {%- for feature in features %}
            {%- set position = loop.index %}
            when {% for earlier in before %}position_{{ earlier }} <> {{ position }} and {% endfor -%}
            contribution_{{ position }} = largest_{{ rank }} then {{ position }}
            {%- endfor %}
            else 0
        end as position_{{ rank }}
    from strength_{{ rank }}
),
{%- endmacro -%}


{#- What every rank hands on: the customer, the contributions, and the ranks before. -#}
{%- macro seg_ranked_so_far(carried, features, before) -%}
        {{ carried }},
        base_log_odds,
        {%- for feature in features %}
        contribution_{{ loop.index }},
        deviation_{{ loop.index }},
        {%- endfor %}
        {%- for earlier in before %}
        largest_{{ earlier }},
        position_{{ earlier }},
        {%- endfor %}
{%- endmacro -%}


{#- The contribution of a feature, or 0 where it stands among the reasons already. -#}
{%- macro seg_unless_taken(position, before) -%}
    {%- set contribution = 'contribution_' ~ position -%}
    {%- if before -%}
        case when {{ position }} in (position_{{ before | join(', position_') }}) then 0e0 else {{ contribution }} end
    {%- else -%}
        {{ contribution }}
    {%- endif -%}
{%- endmacro -%}


{#- The name of the feature at a position. -#}
{%- macro seg_reason_feature(position, features, dialect) -%}
    case {{ position }}
            {%- for feature in features %}
            when {{ loop.index }} then {{ seg_literal(feature.feature, dialect) }}
            {%- endfor %}
        end
{%- endmacro -%}


{#- Above or below the midpoint of the two segments. -#}
{%- macro seg_reason_direction(position, features) -%}
    case
            {%- for feature in features %}
            when {{ position }} = {{ loop.index }} and deviation_{{ loop.index }} > 0e0 then 'high'
            {%- endfor %}
            when {{ position }} > 0 then 'low'
        end
{%- endmacro -%}
