{#-
    The categories that get columns in seg_customer_features, as a list of {category, column_suffix}: those frozen with
    the active model, so that a new best-seller changes no column under it; before there is a model, the largest ones.
-#}
{%- macro seg_feature_categories() -%}
    {%- set category_spend = ref('seg_customer_category_spend') -%}
    {%- set frozen = seg_active_categories() -%}
    {%- if frozen is not none -%}
        {{- return(frozen) -}}
    {%- endif -%}
    {{- return(fromjson(seg_category_columns(seg_largest_category_values(category_spend)))) -}}
{%- endmacro -%}


{#- The largest categories' values, the largest first; none of them while the table is not there. -#}
{%- macro seg_largest_category_values(category_spend) -%}
    {%- if not execute or seg_existing(category_spend) is none -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set query = seg_largest_categories(category_spend, seg_setting('categories'), target.type) -%}
    {{- return(run_query(query).columns[0].values() | list) -}}
{%- endmacro -%}


{#- The relation as the warehouse has it, or none; without the row limit that `--empty` puts on a ref. -#}
{%- macro seg_existing(relation) -%}
    {{- return(none if relation.is_cte else adapter.get_relation(
        relation.database, relation.schema, relation.identifier
    )) -}}
{%- endmacro -%}
