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


{#- The date so many days after the date `day`; on some engines the sum is a timestamp. -#}
{%- macro seg_days_after(day, days, dialect) -%}
    {%- if dialect in ('snowflake', 'redshift') -%}
        cast(dateadd(day, {{ days }}, {{ day }}) as date)
    {%- elif dialect == 'bigquery' -%}
        cast(date_add({{ day }}, interval {{ days }} day) as date)
    {%- elif dialect in ('spark', 'databricks') -%}
        cast(date_add({{ day }}, {{ days }}) as date)
    {%- elif dialect == 'trino' -%}
        cast(date_add('day', {{ days }}, {{ day }}) as date)
    {%- else -%}
        cast({{ day }} + {{ days }} as date)
    {%- endif -%}
{%- endmacro -%}


{#- The first day of the day, week (from Monday), month or quarter that the date `day` is in. -#}
{%- macro seg_period_start(day, period, dialect) -%}
    {%- if dialect == 'bigquery' -%}
        date_trunc({{ day }}, {{ 'isoweek' if period == 'week' else period }})
    {%- else -%}
        cast(date_trunc('{{ period }}', {{ day }}) as date)
    {%- endif -%}
{%- endmacro -%}
