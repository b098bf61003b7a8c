{#-
    The query of the wide features as of an earlier day, straight from the order lines. Pure: `seg_membership_history`
    is made of it for a date that no build has scored, and Python asks it of any day.

    `extra_features` are not among them: nobody knows their values of that day.

    transactions_relation  the order lines, as seg_customer_history takes them
    has_categories         whether the lines have categories
    categories             as seg_wide_features takes them
    as_of_date             the text YYYY-MM-DD
    category_relation      the lines that the categories are read from, where they are others
-#}
{%- macro seg_past_features(
    transactions_relation, has_categories, categories, as_of_date, dialect, category_relation=none
) -%}
{%- set by_category = 'by_category' if has_categories else none -%}
{%- set history = seg_customer_history(transactions_relation, as_of_date, by_category, dialect) -%}
{%- set features = seg_wide_features('(' ~ history ~ ') as history', by_category, categories, dialect) -%}
{%- if has_categories -%}
-- The history and the wide features both read it.
with by_category as (
    {{ seg_history_by_category(category_relation or transactions_relation, as_of_date, dialect) }}
)

select *
from (
{{ features }}
) as features
{%- else -%}
{{ features }}
{%- endif -%}
{%- endmacro -%}
