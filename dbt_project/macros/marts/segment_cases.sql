{#- What belongs to the segment of a row, chosen by its key. Pure. -#}


{%- macro seg_segment_name(key_column, segments, dialect) -%}
    case {{ key_column }}
        {%- for segment in segments %}
        when {{ seg_literal(segment.segment_key, dialect) }} then {{ seg_literal(segment.segment_name, dialect) }}
        {%- endfor %}
    end
{%- endmacro -%}


{#- The one of several columns, one per segment, that belongs to a row's segment. -#}
{%- macro seg_of_segment(key_column, segments, prefix, dialect) -%}
    case {{ key_column }}
        {%- for segment in segments %}
        when {{ seg_literal(segment.segment_key, dialect) }} then {{ prefix }}{{ segment.segment_key }}
        {%- endfor %}
    end
{%- endmacro -%}
