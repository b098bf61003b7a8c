{{ config(enabled=seg_is_enabled('monitoring'), **seg_movement_config()) }}

{%- set history = ref('seg_segment_history') -%}
{%- do seg_registry_relations() -%}
{%- set due = seg_due_paths(history, this) if execute and not flags.EMPTY else none -%}

{%- if due is none -%}

{{ seg_no_rows(history) }}

{%- else -%}

{{ seg_path_rows(history, due.date, due.scored_at, due.names, target.type) }}

{%- endif %}
