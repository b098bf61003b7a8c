{#-
    Names that people give to segments: the variable `segment_names`, segment key → name.

    A name belongs to a key and a key to its customers, so it survives every refit. A fit gives no new segment a key
    that is named already: a name that was given too early falls on nobody. It is put on where the stored model
    is read: every table shows it, and nothing needs a fit.
-#}

{#- The names as they were given, each one that a table can show, no two alike. -#}
{%- macro seg_checked_segment_names(given) -%}
    {%- for key, name in given.items() if not seg_is_a_name(name) -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `segment_names` names " ~ key ~ " '" ~ name ~ "', needed a text of 1 to 200"
            ~ " characters without control characters and backslashes that does not begin with = + - @."
        ) -}}
    {%- endfor -%}
    {%- do seg_refuse_one_name_for_two(given, given) -%}
    {{- return(given) -}}
{%- endmacro -%}


{#-
    Whether a name can stand in every table, in the SQL of every engine, and in a spreadsheet, which would calculate
    what begins with = + - @ or their full-width forms (as warehouse_seg/model/spreadsheet_text.py has it).
-#}
{%- macro seg_is_a_name(value) -%}
    {%- set formula = '[ \\xa0\\u3000]*[=+@\\uff1d\\uff0b\\uff0d\\uff20-]' -%}
    {%- set pattern = '^(?!' ~ formula ~ ')[^\\x00-\\x1f\\\\]{1,200}\\Z' -%}
    {{- return(value is string and modules.re.match(pattern, value) is not none) -}}
{%- endmacro -%}


{#- The segments of a model under the names that people gave them. -#}
{%- macro seg_with_given_names(segments) -%}
    {%- set given = seg_setting('segment_names') -%}
    {%- set names = {} -%}
    {%- for segment in segments -%}
        {%- do segment.update({'segment_name': given.get(segment.segment_key, segment.segment_name)}) -%}
        {%- do names.update({segment.segment_key: segment.segment_name}) -%}
    {%- endfor -%}
    {%- do seg_refuse_one_name_for_two(names, given) -%}
    {{- return(segments) -}}
{%- endmacro -%}


{#- `given` are the names that people can change; what a fit called two segments is not for them to mend. -#}
{%- macro seg_refuse_one_name_for_two(names, given) -%}
    {%- for key in given if key in names -%}
        {%- for other, name in names.items() if name == names[key] and other != key -%}
            {{- exceptions.raise_compiler_error(
                "warehouse_seg: the variable `segment_names` names " ~ key ~ " '" ~ name ~ "', and " ~ other ~ " has"
                ~ " that name as well. Names of segments must differ: change one of them in"
                ~ " `vars: warehouse_seg: segment_names:`."
            ) -}}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro -%}


{#- Warns of names for keys that the model does not have: misspelt, or of segments that are retired. -#}
{%- macro seg_warn_of_unknown_keys(segments) -%}
    {%- set keys = segments | map(attribute='segment_key') | list -%}
    {%- set unknown = seg_setting('segment_names') | list | reject('in', keys) | list -%}
    {%- if unknown and seg_is_building() -%}
        {%- do exceptions.warn(
            "warehouse_seg: the variable `segment_names` names " ~ unknown | join(', ') ~ ", which the model does not"
            ~ " have. Its segments are " ~ keys | join(', ') ~ ". No later segment gets a key that is named already"
            ~ " or was ever used."
        ) -%}
    {%- endif -%}
{%- endmacro -%}
