{#-
    What the package works on: order lines (`transactions`) or a ready table of customers (`feature_table`).

    A package cannot see the project's scoped variables in its dbt_project.yml, so each model asks here whether it is
    enabled: config(enabled=seg_is_enabled('marts')) where both inputs lead to it, seg_is_enabled('features',
    'transactions') where only order lines do. Without either input nothing is enabled, and a project that only
    installed the package parses as before.

    room    the key of the variable `rooms` that the model's folder has; staging belongs to the features
-#}
{%- macro seg_is_enabled(room, input='any') -%}
    {%- set settings = seg_settings() -%}
    {%- do seg_refuse_rooms_without_ground(settings.rooms) -%}
    {%- if settings.transactions is not none and settings.feature_table is not none -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: both `transactions` and `feature_table` are set. The features come from one of them:"
            ~ " remove the other from `vars: warehouse_seg:` of dbt_project.yml."
        ) -}}
    {%- endif -%}
    {%- if not settings.rooms[room] -%}
        {{- return(false) -}}
    {%- elif input == 'transactions' -%}
        {{- return(settings.transactions is not none) -}}
    {%- endif -%}
    {{- return(settings.transactions is not none or settings.feature_table is not none) -}}
{%- endmacro -%}


{#- An error where a room is on and the one that it reads is off. -#}
{%- macro seg_refuse_rooms_without_ground(rooms) -%}
    {%- for room, needed in [('scoring', 'features'), ('marts', 'scoring'), ('monitoring', 'scoring')]
        if rooms[room] and not rooms[needed] -%}
        {{- exceptions.raise_compiler_error(
            "warehouse_seg: the variable `rooms` has " ~ needed ~ " off and " ~ room ~ " on, which reads it. Set"
            ~ " `rooms: {" ~ room ~ ": false}` as well, or leave " ~ needed ~ " on."
        ) -}}
    {%- endfor -%}
{%- endmacro -%}


{#-
    The relation that a setting names; none where it is not set: dbt renders the body of a disabled model as well.

        order_lines                a model of the project. Said with the project's name: a bare ref() from a package
                                   to the project prints a warning, which `--warn-error` makes an error
        other_package.order_lines  a model of another package
        [shop, order_lines]        a table of a source
-#}
{%- macro seg_input(setting) -%}
    {%- set place = seg_setting(setting) -%}
    {%- if place is none -%}
        {{- return(none) -}}
    {%- elif place is string -%}
        {%- set package, name = place.split('.', 1) if '.' in place else (project_name, place) -%}
        {{- return(ref(package, name)) -}}
    {%- elif place is sequence and place is not mapping and place | length == 2 -%}
        {{- return(source(place[0], place[1])) -}}
    {%- endif -%}
    {{- exceptions.raise_compiler_error(
        "warehouse_seg: the variable `" ~ setting ~ "` is " ~ place ~ ". Write a model as `name`"
        ~ " (of another package as `package.name`), or a source as [source, table]."
    ) -}}
{%- endmacro -%}
