{#- The variable `as_of_date` as the text YYYY-MM-DD, or none; anything of another shape is an error. -#}
{%- macro seg_as_of_date() -%}
    {%- set as_of_date = seg_setting('as_of_date') -%}
    {%- if as_of_date is not none
        and not modules.re.match('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$', as_of_date | string) -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `as_of_date` is '" ~ as_of_date ~ "'. Write a date as 'YYYY-MM-DD', for"
            ~ " instance '2024-01-31', or leave it out: then it is the day after the last order."
        ) -}}
    {%- endif -%}
    {{- return(as_of_date) -}}
{%- endmacro -%}


{#- The same where no order can give the default: a build without it stops. -#}
{%- macro seg_required_as_of_date() -%}
    {%- set as_of_date = seg_as_of_date() -%}
    {%- if as_of_date is none and execute and seg_is_building() -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: `feature_table` is set without `as_of_date`. A ready table of customers does not say for"
            ~ " which day it was made: set as_of_date: 'YYYY-MM-DD' in `vars: warehouse_seg:` of dbt_project.yml, or in"
            ~ " --vars."
        ) -}}
    {%- endif -%}
    {{- return(as_of_date) -}}
{%- endmacro -%}


{#- Whether rows are being made: not while dbt parses, compiles or documents, nor with --empty. -#}
{%- macro seg_is_building() -%}
    {{- return(flags.WHICH in ['run', 'build', 'retry'] and not flags.EMPTY) -}}
{%- endmacro -%}
