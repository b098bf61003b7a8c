{#- The key of the segment with the largest membership; ties go to the segment that comes first. Pure.

    membership    SQL of the largest membership -#}
{%- macro seg_top_segment(segments, membership, dialect) -%}
case
    {%- for segment in segments %}
    when {{ seg_membership_column(segment) }} = {{ membership }} then {{ seg_literal(segment.segment_key, dialect) }}
    {%- endfor %}
end
{%- endmacro -%}


{#- The largest membership of a row. Pure. -#}
{%- macro seg_largest_membership(segments) -%}
    {{ seg_greatest('membership_', segments | map(attribute='segment_key') | list) }}
{%- endmacro -%}
