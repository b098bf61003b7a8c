{#- The variable `history.every`; anything but a period of the grid is an error. -#}
{%- macro seg_history_period() -%}
    {%- set period = seg_setting('history.every') -%}
    {%- if period not in ('day', 'week', 'month', 'quarter') -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `history.every` is '" ~ period ~ "', needed day, week, month or quarter."
        ) -}}
    {%- endif -%}
    {{- return(period) -}}
{%- endmacro -%}


{#- The variable `history.keep`, a whole number of dates from 2 on, or none: a movement needs two of them. -#}
{%- macro seg_history_keep() -%}
    {%- set keep = seg_setting('history.keep') -%}
    {%- if keep is not none and (keep is not integer or keep is boolean or keep < 2) -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `history.keep` is " ~ keep ~ ", needed a whole number of dates, at least 2"
            ~ " (a movement is between two), or null to keep all."
        ) -}}
    {%- endif -%}
    {{- return(keep) -}}
{%- endmacro -%}


{#- The variable `history.days_ahead`, a whole number from 0 to 1000. -#}
{%- macro seg_days_ahead() -%}
    {%- set days = seg_setting('history.days_ahead') -%}
    {%- if days is not integer or days is boolean or days < 0 or days > 1000 -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `history.days_ahead` is " ~ days ~ ", needed a whole number of days up to"
            ~ " 1000, or 0 to leave seg_customer_next_segments out."
        ) -}}
    {%- endif -%}
    {{- return(days) -}}
{%- endmacro -%}
