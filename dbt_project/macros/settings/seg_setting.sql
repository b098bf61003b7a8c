{#-
    The effective value of one setting: seg_setting('tiers.dominant'), seg_setting('columns').

    dbt replaces a dictionary variable whole and says nothing about a misspelt key, so no model calls var() directly:
    what the project gives is merged over the defaults key by key, and an unknown key is an error.
-#}
{%- macro seg_setting(path) -%}
    {%- set found = namespace(value=seg_settings()) -%}
    {%- for key in path.split('.') -%}
        {%- set found.value = found.value[key] -%}
    {%- endfor -%}
    {{- return(found.value) -}}
{%- endmacro -%}


{#- All effective settings as one dictionary. -#}
{%- macro seg_settings() -%}
    {%- set defaults = fromjson(seg_defaults()) -%}
    {%- set given = {} -%}
    {#- The block `vars: warehouse_seg:` is itself visible as a variable: only so can a misspelt top-level name be
        seen. -#}
    {%- set block = var('warehouse_seg', none) -%}
    {%- for name in (block if block is mapping else {}) -%}
        {%- do given.update({name: none}) -%}
    {%- endfor -%}
    {%- for name in defaults -%}
        {%- do given.update({name: var(name, none)}) -%}
    {%- endfor -%}
    {{- return(seg_merged(defaults, given, '')) -}}
{%- endmacro -%}


{#- `given` over `defaults`, key by key. Null means the default, except where null is a value of its own. -#}
{%- macro seg_merged(defaults, given, path) -%}
    {%- if given is none and path != 'columns.category' -%}
        {{- return(defaults) -}}
    {%- elif defaults is not mapping -%}
        {%- do seg_refuse_another_kind(defaults, given, path) -%}
        {{- return(seg_plain_value(given)) -}}
    {%- elif given is not mapping -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `" ~ path ~ "` is " ~ given ~ ", but has keys of its own: "
            ~ (defaults | join(', ') or 'those of the segments') ~ ". Write it as a dictionary."
        ) -}}
    {%- elif path == 'segment_names' -%}
        {#- Its keys are the model's, which no default can list. -#}
        {{- return(seg_checked_segment_names(given)) -}}
    {%- endif -%}
    {%- set merged = {} -%}
    {%- for key in given if key not in defaults -%}
        {{- seg_unknown_key(key, defaults | list, path) -}}
    {%- endfor -%}
    {%- for key, default in defaults.items() -%}
        {%- set inner_path = (path ~ '.' if path else '') ~ key -%}
        {%- do merged.update({key: seg_merged(default, given[key], inner_path) if key in given else default}) -%}
    {%- endfor -%}
    {{- return(merged) -}}
{%- endmacro -%}


{#- A list where a number is needed would be an SQL error far away, and the text 'false' is true. -#}
{%- macro seg_refuse_another_kind(default, given, path) -%}
    {%- set kind = 'true or false' if (default is boolean) else ('a number' if (default is number) else '') -%}
    {%- set fits = (given is boolean) if (default is boolean) else (given | float(default=none)) is not none -%}
    {%- if kind and not fits -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `" ~ path ~ "` is " ~ given ~ ", needed " ~ kind ~ ". Correct it in"
            ~ " `vars: warehouse_seg:` of dbt_project.yml or in --vars. If it is a variable of your own that stands at"
            ~ " the top of `vars:`, where every package sees it, move it under your project's name."
        ) -}}
    {%- endif -%}
{%- endmacro -%}


{#- YAML reads an unquoted 2024-01-31 as a date, which JSON does not have: back to its text. -#}
{%- macro seg_plain_value(value) -%}
    {{- return(value.isoformat() if value.isoformat is defined else value) -}}
{%- endmacro -%}


{#- Stops at a setting that does not exist, with the nearest one that does. -#}
{%- macro seg_unknown_key(key, valid, path) -%}
    {%- set nearest = seg_nearest(key, valid) -%}
    {{- exceptions.raise_compiler_error(
        "warehouse_seg: there is no setting `" ~ (path ~ '.' if path else '') ~ key ~ "`."
        ~ (" Did you mean `" ~ nearest ~ "`?" if nearest else "")
        ~ " Valid here: " ~ valid | join(', ')
        ~ ". Correct it in `vars: warehouse_seg:` of dbt_project.yml or in --vars."
    ) -}}
{%- endmacro -%}


{#- The valid name that shares most pairs of letters with `name` (Dice's coefficient), or '' when none is near. -#}
{%- macro seg_nearest(name, valid) -%}
    {%- set best = namespace(name='', score=0.4) -%}
    {%- set pairs = seg_letter_pairs(name) -%}
    {%- for candidate in valid -%}
        {%- set others = seg_letter_pairs(candidate) -%}
        {%- set score = 2 * (pairs | select('in', others) | list | length) / (pairs | length + others | length) -%}
        {%- if score > best.score -%}
            {%- set best.name = candidate -%}
            {%- set best.score = score -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(best.name) -}}
{%- endmacro -%}


{#- Every two neighbouring letters of a name, its ends marked. -#}
{%- macro seg_letter_pairs(name) -%}
    {%- set padded = '^' ~ (name | string | lower) ~ '$' -%}
    {%- set pairs = [] -%}
    {%- for position in range(padded | length - 1) -%}
        {%- do pairs.append(padded[position:position + 2]) -%}
    {%- endfor -%}
    {{- return(pairs) -}}
{%- endmacro -%}
