{#-
    How names and values become SQL text. Pure: rendered by dbt inside a model and by Python alone.
    Everything that comes from the registry or from the user's data passes through one of these.
-#}

{#- A column's name such that any character in it is only a name.
    No keyword of any engine has an underscore inside, but for the few that begin as below (pivot_longer on DuckDB,
    json_value on Trino, try_cast on Snowflake): such names stay bare and the SQL stays readable. Everything else is
    quoted; Snowflake stores bare names in upper case. -#}
{%- macro seg_identifier(name, dialect) -%}
    {%- set plain = seg_is_plain_name(name) == 'yes' -%}
    {%- set of_keywords = ('', 'assert', 'current', 'json', 'local', 'pivot', 'session', 'system', 'try') -%}
    {%- if plain and '_' in name and name.split('_')[0] not in of_keywords -%}
        {{ name }}
    {%- elif dialect == 'bigquery' -%}
        `{{ name | replace("\\", "\\\\") | replace('`', '\\`') }}`
    {%- elif dialect in ('spark', 'databricks') -%}
        `{{ name | replace('`', '``') }}`
    {%- elif dialect == 'snowflake' and plain -%}
        "{{ name | upper }}"
    {%- else -%}
        "{{ name | replace('"', '""') }}"
    {%- endif -%}
{%- endmacro -%}


{#- 'yes' for a lower-case letter or underscore followed by lower-case letters, digits and underscores. -#}
{%- macro seg_is_plain_name(name) -%}
    {%- set letters = 'abcdefghijklmnopqrstuvwxyz_' -%}
    {%- set strange = name | list | reject('in', letters ~ '0123456789') | list -%}
    {{- 'yes' if name and not strange and name[0] in letters else 'no' -}}
{%- endmacro -%}


{#- A string literal. Backslashes are escapes on BigQuery, Spark, Databricks, Snowflake and Redshift, plain characters
    elsewhere. Spark 3 reads 'it''s' as two literals side by side and loses the quote; BigQuery takes no line break. -#}
{%- macro seg_literal(text, dialect) -%}
    {%- if dialect in ('bigquery', 'spark', 'databricks') -%}
        '{{ text | replace("\\", "\\\\") | replace("'", "\\'") | replace("\n", "\\n") | replace("\r", "\\r") }}'
    {%- elif dialect in ('snowflake', 'redshift') -%}
        '{{ text | replace("\\", "\\\\") | replace("'", "''") }}'
    {%- else -%}
        '{{ text | replace("'", "''") }}'
    {%- endif -%}
{%- endmacro -%}


{#- A schema as `create schema` takes it. Postgres and Redshift make one in the database that they are connected to, and
    take no other's name; Spark has no databases above schemas. -#}
{%- macro seg_schema_name(database, schema, dialect) -%}
    {%- if database and dialect not in ('postgres', 'redshift', 'spark') -%}
        {{ seg_identifier(database, dialect) }}.
    {%- endif -%}
    {{ seg_identifier(schema, dialect) }}
{%- endmacro -%}


{#- A number as text with an exponent: without one most engines read a DECIMAL. -#}
{%- macro seg_exponent(number) -%}
    {%- set text = number | float | string -%}
    {{- text if 'e' in text else text ~ 'e0' -}}
{%- endmacro -%}


{#- ` - number` or ` + number`: subtracting a negative literal would read `- -1.5e0`. -#}
{%- macro seg_minus(number) -%}
    {%- if number[0] == '-' %} + {{ number[1:] }}{% else %} - {{ number }}{% endif -%}
{%- endmacro -%}
