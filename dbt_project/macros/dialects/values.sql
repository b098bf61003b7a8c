{#- What a column of the user's is: its type, blanks, times with a zone, money. Pure. -#}

{#- Text, whole, decimal, float, date, time, zoned time or other: the kind of a column from the engine's name of its
    type; '' where that is not known. -#}
{%- macro seg_kind_of_type(type, dialect) -%}
    {%- set name = (type or '') | lower -%}
    {%- set word = name.split('(')[0].strip() -%}
    {%- if not name -%}
    {%- elif 'with time zone' in name or word in ('timestamptz', 'datetimetz', 'timestamp_tz', 'timestamp_ltz')
        or (word == 'timestamp' and dialect in ('bigquery', 'spark', 'databricks')) -%}
        zoned time
    {%- elif word.startswith(('timestamp', 'datetime')) -%}
        time
    {%- elif word == 'date' -%}
        date
    {%- elif word.startswith(('varchar', 'text', 'char', 'string', 'bpchar', 'nvarchar')) -%}
        text
    {%- elif word in ('decimal', 'numeric', 'number', 'fixed', 'bignumeric', 'bigdecimal') -%}
        decimal
    {%- elif word in ('double', 'double precision', 'float', 'real', 'float4', 'float8', 'float64') -%}
        float
    {%- elif word.endswith(('int', 'integer', 'int2', 'int4', 'int8', 'int16', 'int32', 'int64', 'int128', 'long'))
        or word in ('short', 'byte') -%}
        whole
    {%- else -%}
        other
    {%- endif -%}
{%- endmacro -%}


{#- How many decimals an amount of this type has: those of a decimal, none of a whole number. Of a floating-point number
    (or where the type is not known) nobody can tell: four. Some drivers do not tell a decimal's: then as many as are
    kept at all. -#}
{%- macro seg_decimals_of_type(type, dialect) -%}
    {%- set kind = seg_kind_of_type(type, dialect) -%}
    {%- set digits = (type or '').split('(')[1].rstrip(')').split(',') if '(' in (type or '') else [] -%}
    {%- if kind == 'whole' -%}
        0
    {%- elif kind == 'decimal' and digits -%}
        {{ digits[1] | trim if digits | length > 1 else 0 }}
    {%- elif kind == 'decimal' -%}
        10
    {%- else -%}
        4
    {%- endif -%}
{%- endmacro -%}


{#- An amount as an exact number, so that sums do not depend on the order of rows. Of 18 digits where these are enough:
    38 take twice as long on DuckDB. -#}
{%- macro seg_amount(expression, type, decimals) -%}
    {%- set kind = seg_kind_of_type(type, '') -%}
    {%- set digits = type.split('(')[1].rstrip(')').split(',')[0] | int if kind == 'decimal' and '(' in type else 18 -%}
    {%- set is_wide = decimals > 4 or digits > 18 -%}
cast({{ expression }} as decimal({{ 38 if is_wide else 18 }}, {{ decimals }}))
{%- endmacro -%}


{#- A sum of money as an exact number. Ten decimals are those of a double below a hundred million. -#}
{%- macro seg_money(expression, dialect) -%}
    {%- set type = 'bignumeric(38, 10)' if dialect == 'bigquery' else 'decimal(38, 10)' -%}
cast({{ expression }} as {{ type }})
{%- endmacro -%}


{#- A value, NULL where it is a text of nothing but blanks: a blank key is nobody's, a blank number no number. DuckDB
    decides by the type before it reads a row, so that other types cost nothing. -#}
{%- macro seg_known(expression, dialect) -%}
    {%- set is_blank -%}
        {{ seg_trimmed('cast(' ~ expression ~ ' as ' ~ seg_text(dialect) ~ ')', dialect) }} = ''
    {%- endset -%}
    {%- if dialect == 'duckdb' -%}
        case when typeof({{ expression }}) = 'VARCHAR' and {{ is_blank }} then null else {{ expression }} end
    {%- else -%}
        case when {{ is_blank }} then null else {{ expression }} end
    {%- endif -%}
{%- endmacro -%}


{#- A text without blanks around it: spaces, tabs, ends of lines, no-break spaces. -#}
{%- macro seg_trimmed(text, dialect) -%}
    {%- set blanks = "' ' || chr(9) || chr(10) || chr(13) || chr(160)" -%}
    {%- if dialect in ('snowflake', 'bigquery') -%}
        trim({{ text }}, {{ blanks }})
    {%- else -%}
        trim(both ({{ blanks }}) from {{ text }})
    {%- endif -%}
{%- endmacro -%}


{#-
    A time as the clock on the wall showed it in `timezone`, without a zone; a time or date that has no zone as it is.

    What an engine casts by itself is the clock of whoever asks: the same lines would have other days on another
    machine. The type of an expression is asked in the statement, since nobody knows it before. BigQuery and Redshift
    have no function for that: there a time with a zone is known by its text.
-#}
{%- macro seg_wall_clock(expression, timezone, dialect) -%}
    {%- set zone = seg_literal(timezone, dialect) -%}
    {%- if dialect in ('spark', 'databricks') -%}
        {#- from_utc_timestamp moves the instant; its distance from 1970 in UTC is then the clock's. -#}
        case
            when typeof({{ expression }}) = 'timestamp' then
                cast('1970-01-01 00:00:00' as timestamp_ntz) + make_dt_interval(
                    0, 0, 0,
                    cast(
                        cast(unix_micros(from_utc_timestamp(cast({{ expression }} as timestamp), {{ zone }}))
                            as decimal(20, 0)) / 1000000 as decimal(18, 6)
                    )
                )
            else cast({{ expression }} as timestamp_ntz)
        end
    {%- elif dialect == 'bigquery' -%}
        case
            when regexp_contains(cast({{ expression }} as string), r'[+-]\d\d(:\d\d)?$')
                then datetime(cast(cast({{ expression }} as string) as timestamp), {{ zone }})
            else cast(cast({{ expression }} as string) as datetime)
        end
    {%- elif dialect == 'redshift' -%}
        case
            when cast({{ expression }} as varchar) ~ '[+-][0-9][0-9](:[0-9][0-9])?$'
                then convert_timezone({{ zone }}, cast(cast({{ expression }} as varchar) as timestamptz))
            else cast({{ expression }} as timestamp)
        end
    {%- elif dialect == 'snowflake' -%}
        case
            when system$typeof({{ expression }}) like any ('TIMESTAMP_TZ%', 'TIMESTAMP_LTZ%')
                then cast(convert_timezone({{ zone }}, cast({{ expression }} as timestamp_tz)) as timestamp_ntz)
            else cast({{ expression }} as timestamp_ntz)
        end
    {%- elif dialect == 'trino' -%}
        case
            when typeof({{ expression }}) like 'timestamp%with time zone'
                then cast(cast({{ expression }} as timestamp with time zone) at time zone {{ zone }} as timestamp(6))
            else cast({{ expression }} as timestamp(6))
        end
    {%- else -%}
        {%- set type_of = 'upper(cast(pg_typeof(' ~ expression ~ ') as text))' if dialect == 'postgres'
            else 'typeof(' ~ expression ~ ')' -%}
        case
            when {{ type_of }} like 'TIMESTAMP%WITH TIME ZONE'
                then timezone({{ zone }}, cast({{ expression }} as timestamptz))
            else cast({{ expression }} as timestamp)
        end
    {%- endif -%}
{%- endmacro -%}
