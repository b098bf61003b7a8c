{{ config(enabled=seg_is_enabled('monitoring'), **seg_movement_config()) }}

{%- set history = ref('seg_membership_history') -%}
{%- do seg_registry_relations() -%}
{%- set steps = seg_due_steps(history, this) if execute and not flags.EMPTY else [] -%}

{%- if not steps -%}

{{ seg_no_rows(history) }}

{%- else -%}

{%- for step in steps -%}
select *
from (
{{ seg_flow_rows(step, history, seg_names_of_step(step), target.type) }}
) as flow_{{ loop.index }}
{{ 'union all' if not loop.last }}
{% endfor -%}

{%- endif %}
