{#-
    The SQL form of every transform. The array form stands beside a copy of this text in
    warehouse_seg/model/transforms.py, and a test holds the two together, as text and as values.
-#}

{%- macro seg_transformed(transform, value) -%}
    {%- if transform == 'log' -%}
        ln({{ value }})
    {%- elif transform == 'log1p' -%}
        ln(1e0 + {{ value }})
    {%- elif transform == 'sqrt' -%}
        sqrt({{ value }})
    {%- elif transform == 'signed_log1p' -%}
        sign({{ value }}) * ln(1e0 + abs({{ value }}))
    {%- elif transform == 'identity' -%}
        {{ value }}
    {%- endif -%}
{%- endmacro -%}


{#- True when a measure is there: NULL, NaN and infinity are not, and beyond 1e100 nothing is a measurement.
    One comparison says all of it on every engine: NaN is either greater than every number or compares false. -#}
{%- macro seg_is_measured(column) -%}
    abs({{ column }}) <= 1e100
{%- endmacro -%}


{#- clip(x). NULL stays NULL, which greatest() and least() would not do on most engines; as fast as they are. -#}
{%- macro seg_clipped(feature, column) -%}
    {%- set low, high = feature.clip_low, feature.clip_high -%}
    {%- if low is none and high is none -%}
        {{ column }}
    {%- else -%}
        case
            {%- if low is not none %} when {{ column }} < {{ low }} then {{ low }}{% endif -%}
            {%- if high is not none %} when {{ column }} > {{ high }} then {{ high }}{% endif %} else {{ column }} end
    {%- endif -%}
{%- endmacro -%}


{#- T(clip(x)): clipped, transformed. -#}
{%- macro seg_transformed_feature(feature, column) -%}
    {{- seg_transformed(feature.transform, seg_clipped(feature, column)) -}}
{%- endmacro -%}


{#- dT/dx, the slope that carries a rounding variance from the raw unit; sqrt has none at zero and takes that of a
    quarter. -#}
{%- macro seg_slope(transform, value) -%}
    {%- if transform == 'log' -%}
        1e0 / ({{ value }})
    {%- elif transform == 'log1p' -%}
        1e0 / (1e0 + {{ value }})
    {%- elif transform == 'sqrt' -%}
        5e-1 / sqrt(greatest({{ value }}, 2.5e-1))
    {%- elif transform == 'signed_log1p' -%}
        1e0 / (1e0 + abs({{ value }}))
    {%- elif transform == 'identity' -%}
        1e0
    {%- endif -%}
{%- endmacro -%}


{#- z = (T(clip(x)) - center) / scale -#}
{%- macro seg_standardized(feature, column) -%}
    ({{ seg_transformed_feature(feature, column) }}{{ seg_minus(feature.center) }}) / {{ feature.scale }}
{%- endmacro -%}
