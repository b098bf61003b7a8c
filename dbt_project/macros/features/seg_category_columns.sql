{#-
    Category values with the column suffix of each, as a JSON list in the same order. Pure.

        ['Fresh Fruit', 'fresh-fruit', '日本', 'other']
        → fresh_fruit, fresh_fruit_2, category, other_2

    A suffix is made of a-z, 0-9 and single underscores, has at most 40 characters (spend_… then fits the 63 that
    Postgres allows), is unique in the list and is never `other`, which names the rest.
-#}
{%- macro seg_category_columns(values) -%}
    {%- set longest = 40 -%}
    {%- set columns = [] -%}
    {%- set taken = ['other'] -%}
    {%- for value in values -%}
        {%- set suffix = seg_column_suffix(value, longest) -%}
        {%- set unique = namespace(suffix=suffix, number=1) -%}
        {%- for attempt in taken -%}
            {%- if unique.suffix in taken -%}
                {%- set unique.number = unique.number + 1 -%}
                {%- set ending = '_' ~ unique.number -%}
                {%- set unique.suffix = suffix[:longest - (ending | length)] ~ ending -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do taken.append(unique.suffix) -%}
        {%- do columns.append({'category': value, 'column_suffix': unique.suffix}) -%}
    {%- endfor -%}
    {{- columns | tojson -}}
{%- endmacro -%}


{#- The text in lower case with every run of other characters than a-z and 0-9 as one underscore; `category` if nothing
    is left. -#}
{%- macro seg_column_suffix(text, longest) -%}
    {%- set plain = [] -%}
    {%- for character in text | lower -%}
        {%- do plain.append(character if character in 'abcdefghijklmnopqrstuvwxyz0123456789' else ' ') -%}
    {%- endfor -%}
    {%- set words = plain | join | trim -%}
    {{- (words.split() | join('_'))[:longest].strip('_') or 'category' -}}
{%- endmacro -%}
