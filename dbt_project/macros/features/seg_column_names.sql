{#-
    The names of the columns that the user's own tables bring to the features; [] while the table is not there.
-#}

{#- All columns of feature_table, except customer_id, as_of_date and those that the key is made of. -#}
{%- macro seg_feature_table_columns() -%}
    {%- set keys = ['customer_id', 'as_of_date'] + seg_names_in(seg_setting('columns.customer_id')) -%}
    {%- set names = [] -%}
    {%- for column in seg_columns_of('feature_table') if column.name | lower not in keys -%}
        {%- do names.append(column.name) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro -%}


{#- Every name in an SQL expression, in lower case: a customer's number must not become a feature, also where the key is
    cast("Customer ""No""" as varchar). -#}
{%- macro seg_names_in(expression) -%}
    {%- set names = [] -%}
    {%- for name in modules.re.findall('"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^\\W\\d]\\w*', expression) -%}
        {%- set quote = name[0] if name[0] in ['"', '`'] else '' -%}
        {%- do names.append((name[1:-1] | replace(quote ~ quote, quote) if quote else name) | lower) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro -%}


{#- The numeric columns of extra_features, except customer_id. -#}
{%- macro seg_extra_columns() -%}
    {%- set names = [] -%}
    {%- for column in seg_columns_of('extra_features') if seg_is_numeric(column) -%}
        {%- if column.name | lower != 'customer_id' -%}
            {%- do names.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro -%}


{#- The columns of the relation that a setting names. A build stops where it is no table or view: its columns would be
    lost unseen. Until there is one, compile and docs go on without columns. -#}
{%- macro seg_columns_of(setting) -%}
    {%- set relation = seg_input(setting) -%}
    {%- if not execute or relation is none -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set existing = seg_existing(relation) -%}
    {%- if existing is not none -%}
        {{- return(adapter.get_columns_in_relation(existing)) -}}
    {%- elif seg_is_building() -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `" ~ setting ~ "` names " ~ relation ~ ", which the warehouse does not have"
            ~ " as a table or view. Build it first, and if it is an ephemeral model give it another materialization."
        ) -}}
    {%- endif -%}
    {{- return([]) -}}
{%- endmacro -%}


{#- Whether the column holds numbers; dbt's own answer is no for DECIMAL(9,2) on DuckDB, where the precision is in the
    name. -#}
{%- macro seg_is_numeric(column) -%}
    {%- set type = column.dtype | lower -%}
    {%- set is_decimal = type.split('(')[0] in ['decimal', 'numeric', 'number'] and type.endswith(')') -%}
    {{- return(column.is_number() or is_decimal) -}}
{%- endmacro -%}


{#- An error where a column of extra_features has the name of a feature: two columns of one name are no table. -#}
{%- macro seg_refuse_taken_names(extra_columns, categories, feature_columns) -%}
    {%- set taken = ['as_of_date'] + (feature_columns | map('lower') | list or seg_rfm_features().split()) -%}
    {%- for suffix in categories | map(attribute='column_suffix') | list + ['other'] -%}
        {%- do taken.extend(['spend_' ~ suffix, 'share_' ~ suffix]) -%}
    {%- endfor -%}
    {%- for name in extra_columns if name | lower in taken -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the column `" ~ name ~ "` of extra_features has the name of a feature that is there"
            ~ " already. Rename it in the model that the variable `extra_features` names."
        ) -}}
    {%- endfor -%}
{%- endmacro -%}
