{#- With `feature_table` the columns are that table's own, and dbt warns of a description without its column. -#}
{%- set keeps_comments = target.type != 'trino' -%}
{{ config(
    materialized='table',
    enabled=seg_is_enabled('features'),
    meta={'warehouse_seg': seg_settings()},
    persist_docs={'relation': keeps_comments, 'columns': keeps_comments and seg_setting('feature_table') is none},
) }}

{%- set extra_relation = seg_input('extra_features') -%}
{%- set extra_columns = seg_extra_columns() %}

{% if seg_setting('feature_table') is none -%}

{%- set categories = seg_feature_categories() -%}
{%- do seg_refuse_taken_names(extra_columns, categories, []) -%}
{{ seg_wide_features(
    ref('seg_customer_rfm'),
    ref('seg_customer_category_spend'),
    categories,
    target.type,
    extra_relation,
    extra_columns,
) }}

{%- else -%}

{%- set feature_columns = seg_feature_table_columns() -%}
{%- do seg_refuse_taken_names(extra_columns, [], feature_columns) -%}
{{ seg_ready_features(
    seg_input('feature_table'),
    seg_setting('columns.customer_id'),
    seg_required_as_of_date(),
    feature_columns,
    target.type,
    extra_relation,
    extra_columns,
) }}

{%- endif %}
