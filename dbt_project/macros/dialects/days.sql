{#- Days as every engine counts them. Pure: dbt's own macros need its adapter. -#}

{#- The number of days from the date `first` to the date `second`. -#}
{%- macro seg_days_between(first, second, dialect) -%}
    {%- if dialect == 'postgres' -%}
        ({{ second }} - {{ first }})
    {%- elif dialect in ('snowflake', 'redshift') -%}
        datediff(day, {{ first }}, {{ second }})
    {%- elif dialect == 'bigquery' -%}
        date_diff({{ second }}, {{ first }}, day)
    {%- elif dialect in ('spark', 'databricks') -%}
        datediff({{ second }}, {{ first }})
    {%- else -%}
        date_diff('day', {{ first }}, {{ second }})
    {%- endif -%}
{%- endmacro -%}


{#- The date after the date `day`; on some engines the sum is a timestamp. -#}
{%- macro seg_day_after(day, dialect) -%}
    {%- if dialect in ('snowflake', 'redshift') -%}
        cast(dateadd(day, 1, {{ day }}) as date)
    {%- elif dialect == 'bigquery' -%}
        cast(date_add({{ day }}, interval 1 day) as date)
    {%- elif dialect in ('spark', 'databricks') -%}
        cast(date_add({{ day }}, 1) as date)
    {%- elif dialect == 'trino' -%}
        cast(date_add('day', 1, {{ day }}) as date)
    {%- else -%}
        cast({{ day }} + 1 as date)
    {%- endif -%}
{%- endmacro -%}
