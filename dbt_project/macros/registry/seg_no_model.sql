{#-
    What happens where a model is needed and none is active.

    `parse`, `compile`, `docs generate` and `build --empty` go on with an empty select of the fixed shape. `build` and
    `run` stop here with one error that names the command, or warn where `allow_missing_model` is set (a CI).
-#}
{% macro seg_no_model() %}
    {% if execute and flags.WHICH in ("run", "build", "retry", "test") and not flags.EMPTY %}
        {% set schema = source("seg_registry", "seg_model_activations").schema %}
        {% set message = "warehouse_seg: no segment model is active in schema '" ~ schema ~ "'."
            ~ " Run `warehouse-seg fit` (or `warehouse-seg run`) in this dbt project" %}
        {% if seg_setting("allow_missing_model") %}
            {% do exceptions.warn(message ~ "; until then the segment tables stay empty.") %}
        {% else %}
            {% do exceptions.raise_compiler_error(
                message ~ ", or set `allow_missing_model: true` to build empty tables."
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#- What a table with a contract is while there is no model: the contract's columns, and no rows of `relation`. While
    dbt parses the columns are not known yet, and nothing is run. -#}
{% macro seg_no_rows(relation) %}
select
    {%- for column in model.columns.values() %}
    cast(null as {{ column.data_type }}) as {{ column.name }}
    {{- "," if not loop.last }}
    {%- endfor %}
from {{ relation }}
where 1 = 0
{%- endmacro %}


{#-
    Stops where the wide features lack a column that the model needs: an activation in the middle of a build.

    needed      names of the columns
-#}
{% macro seg_require_features(mixture, features, needed) %}
    {% set relation = none if features.is_cte else load_relation(features) %}
    {% if relation is not none %}
        {% set present = adapter.get_columns_in_relation(relation) | map(attribute="name") | map("lower") | list %}
        {% set lacking = [] %}
        {% for name in needed if name | lower not in present %}{% do lacking.append(name) %}{% endfor %}
        {% if lacking %}
            {% do exceptions.raise_compiler_error(
                "warehouse_seg: " ~ relation ~ " lacks " ~ lacking | join(", ")
                ~ ", needed by model version " ~ mixture.model_version ~ ". It was built for another version:"
                ~ " run `dbt build`."
                ~ " If the column is one of your own (feature_table, extra_features), bring it back, or fit without it."
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#- Warns where the project's own `+materialized` won over the package's: a root setting reaches into every package. -#}
{% macro seg_warn_unless_table() %}
    {% if seg_is_building() and model.resource_type == "model" and model.config.materialized != "table" %}
        {% do exceptions.warn(
            "warehouse_seg: " ~ model.name ~ " is materialized as " ~ model.config.materialized
            ~ ", so that every query on it scores all customers anew. Write"
            ~ " `models: warehouse_seg: +materialized: table` into dbt_project.yml (`warehouse-seg init` does)."
        ) %}
    {% endif %}
{% endmacro %}
