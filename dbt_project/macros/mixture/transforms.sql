{#-
    The SQL form of every transform. The array form stands beside a copy of this text in warehouse_seg/transforms.py,
    and a test holds the two together, as text and as values.
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


{#- T(clip(x)): the training median where nothing was measured, clipped, transformed. -#}
{%- macro seg_transformed_feature(feature, column) -%}
    {%- set value = 'case when ' ~ seg_is_measured(column) ~ ' then ' ~ column ~ ' else ' ~ feature.fill_value ~ ' end' -%}
    {%- if feature.clip_low is not none -%}
        {%- set value = 'greatest(' ~ value ~ ', ' ~ feature.clip_low ~ ')' -%}
    {%- endif -%}
    {%- if feature.clip_high is not none -%}
        {%- set value = 'least(' ~ value ~ ', ' ~ feature.clip_high ~ ')' -%}
    {%- endif -%}
    {{- seg_transformed(feature.transform, value) -}}
{%- endmacro -%}


{#- z = (T(clip(x)) - center) / scale -#}
{%- macro seg_standardized(feature, column) -%}
    ({{ seg_transformed_feature(feature, column) }}{{ seg_minus(feature.center) }}) / {{ feature.scale }}
{%- endmacro -%}
