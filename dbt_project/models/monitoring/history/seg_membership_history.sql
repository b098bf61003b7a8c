{{ config(
    enabled=seg_is_enabled('monitoring'),
    post_hook="{{ warehouse_seg.seg_forget_old_dates() }}",
    **seg_history_config(['as_of_date', 'basis'])
) }}

{%- set scores = ref('seg_customer_scores') -%}
{%- do seg_read_for_history() -%}
{%- do seg_require_incremental() -%}
{%- set plan = seg_history_plan(scores, this) if execute and not flags.EMPTY else none -%}

{%- if plan is none -%}

{{ seg_no_membership_rows(scores, seg_kept_keys(this)) }}

{%- else -%}

{%- set order_lines = seg_known_order_lines(plan.date) -%}
{%- set scored_at = run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') -%}
{%- for part in plan.parts -%}
{{ seg_membership_rows(
    part.model.components, part.scores, plan.segment_keys, order_lines, scored_at, part.basis, target.type
) }}
{{ 'union all' if not loop.last }}
{% endfor -%}

{%- endif %}
