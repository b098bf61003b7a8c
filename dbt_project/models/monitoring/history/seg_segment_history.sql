{{ config(
    enabled=seg_is_enabled('monitoring'),
    post_hook="{{ warehouse_seg.seg_forget_old_dates() }}",
    **seg_history_config()
) }}

{%- set memberships = ref('seg_membership_history') -%}
{%- do seg_require_incremental() -%}
{%- do seg_registry_relations() -%}
{%- set due = seg_dates_to_assign(memberships, this) if execute and not flags.EMPTY else [] -%}

{%- if not due -%}

{{ seg_no_rows(memberships) }}

{%- else -%}

{%- for part in due -%}
{{ seg_history_assignment(
    seg_stored_model(part.model_version), memberships, part.dates, seg_setting('tiers'), target.type
) }}
{{ 'union all' if not loop.last }}
{% endfor -%}

{%- endif %}
