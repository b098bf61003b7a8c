{#-
    Reads the registry: the one place where numbers leave the warehouse to become SQL text.

    The registry holds numbers and names, never SQL. Whatever is read here is checked before it is handed to the pure
    macros: numbers are numbers with an exponent, keys are identifiers, names have no control characters.
-#}

{#- The active model as the dictionary that the mixture macros take, or none when there is none (or while parsing). -#}
{% macro seg_active_model() %}
    {% set version = seg_active_version() %}
    {{ return(none if version is none else seg_stored_model(version)) }}
{% endmacro %}


{#-
    The model that `seg_customer_scores` holds memberships of, whatever has been activated since.

    Only `seg_customer_scores` decides the version; every later model takes it from that table, so that an activation
    in the middle of a build mixes nothing.
-#}
{% macro seg_scored_model() %}
    {% set scores = ref('seg_customer_scores') %}
    {% do seg_require_known_schema() %}
    {% do seg_registry_relations() %}
    {% if not execute %}{{ return(none) }}{% endif %}
    {% set relation = load_relation(scores) %}
    {% if relation is none %}{{ return(seg_active_model()) }}{% endif %}
    {% set version = seg_single_integer("select max(model_version) as model_version from " ~ relation) %}
    {{ return(seg_active_model() if version is none else seg_stored_model(version)) }}
{% endmacro %}


{#- The categories that the active model is frozen to, as the feature macros take them, or none without a model. -#}
{% macro seg_active_categories() %}
    {% set version = seg_active_version() %}
    {{ return(none if version is none else seg_stored_categories(version)) }}
{% endmacro %}


{#- The number of the active version, or none. The greatest activation wins; it is one row, so it is there or not. -#}
{% macro seg_active_version() %}
    {% do seg_require_known_schema() %}
    {% set activations = seg_registry_relations().seg_model_activations %}
    {% if activations is none %}{{ return(none) }}{% endif %}
    {% set lost = seg_single_integer(
        "select count(*) from " ~ activations ~ " where activation is null or model_version is null"
    ) %}
    {% if lost %}
        {% do exceptions.raise_compiler_error(
            "warehouse_seg: " ~ activations ~ " has " ~ lost ~ " row(s) whose activation or model_version is NULL,"
            ~ " which this package never writes: nobody can say which model is active. Delete them and build again."
        ) %}
    {% endif %}
    {{ return(seg_single_integer(
        "select model_version from " ~ activations
        ~ " order by activation desc nulls last, activated_at desc nulls last, model_version desc nulls last limit 1"
    )) }}
{% endmacro %}


{#- Version `version` in full. A version whose rows do not fit together stops the build: nothing is guessed. -#}
{% macro seg_stored_model(version) %}
    {% set registry = seg_registry_relations() %}
    {% for name, relation in registry.items() if relation is none %}
        {% do seg_registry_error(version, "the table " ~ name ~ " is missing") %}
    {% endfor %}
    {% set of_version = " where model_version = " ~ version %}
    {% set models = seg_json_rows(
        "select n_components, n_features, exact_values, '=' || fingerprint as fingerprint from "
        ~ registry.seg_models ~ of_version
    ) %}
    {% set features = seg_json_rows(
        "select '=' || feature as feature, '=' || transform as transform, '=' || coalesce(reference, '') as reference,"
        ~ " exact_values from " ~ registry.seg_model_features ~ of_version ~ " order by position asc nulls last"
    ) %}
    {% set components = seg_json_rows(
        "select '=' || segment_key as segment_key, '=' || segment_name as segment_name,"
        ~ " '=' || description as description, mean, covariance, precision_cholesky, exact_values from "
        ~ registry.seg_model_components ~ of_version ~ " order by component asc nulls last"
    ) %}
    {% set found = [models | length, features | length, components | length] %}
    {% if models | length != 1 or found != [1, models[0].n_features, models[0].n_components] %}
        {% do seg_registry_error(
            version,
            "found " ~ found[0] ~ " row(s) in seg_models, " ~ found[1] ~ " feature(s), " ~ found[2]
            ~ " component(s) that do not make one model"
        ) %}
    {% endif %}
    {% set checked = {
        "model_version": version,
        "patterns": [],
        "outlier_log_density": seg_checked_number(seg_checked_object(models[0], version).outlier_log_density, version),
        "features": [],
        "components": [],
        "categories": seg_stored_categories(version),
    } %}
    {% for row in features %}
        {% do checked.features.append(seg_checked_feature(row, version)) %}
    {% endfor %}
    {% for row in components %}
        {% do checked.components.append(seg_checked_component(row, features | length, version)) %}
    {% endfor %}
    {% do seg_refuse_repeats(checked.features | map(attribute="feature") | list, version) %}
    {% do seg_refuse_repeats(checked.components | map(attribute="segment_key") | list, version) %}
    {% do seg_require_consistent(checked, models[0].fingerprint) %}
    {% do checked.update({"components": seg_with_given_names(checked.components)}) %}
    {{ return(checked) }}
{% endmacro %}


{#-
    What the fit of version `version` warned of, as one text for `seg_segments.model_warning`; none where it warned of
    nothing, and where the registry was made before it kept warnings.
-#}
{% macro seg_model_warning(version) %}
    {% set models = seg_registry_relations().seg_models %}
    {% set columns = adapter.get_columns_in_relation(models) | map(attribute="name") | map("lower") | list %}
    {% if "warnings" not in columns %}{{ return(none) }}{% endif %}
    {% set rows = run_query("select warnings from " ~ models ~ " where model_version = " ~ version).rows %}
    {% if not rows | length or rows[0][0] is none %}{{ return(none) }}{% endif %}
    {% set warnings = fromjson(rows[0][0]) %}
    {% if warnings is not sequence or warnings is string or warnings | rejectattr("text", "string") | list %}
        {% do seg_registry_error(version, "warnings is not a JSON list of objects with a text") %}
    {% endif %}
    {{ return(warnings | map(attribute="text") | join(". ") or none) }}
{% endmacro %}


{#- The categories that version `version` is frozen to: name and column suffix. -#}
{% macro seg_stored_categories(version) %}
    {% set relation = seg_registry_relations().seg_model_categories %}
    {% set categories = [] %}
    {% set rows = seg_json_rows(
        "select '=' || category as category, '=' || column_suffix as column_suffix from " ~ relation
        ~ " where model_version = " ~ version ~ " order by position asc nulls last"
    ) %}
    {% for row in rows %}
        {% set suffix = seg_checked_suffix(row.column_suffix, version) %}
        {% do categories.append({"category": row.category, "column_suffix": suffix}) %}
    {% endfor %}
    {{ return(categories) }}
{% endmacro %}


{#- A feature whose name, transform and numbers may become SQL text. -#}
{% macro seg_checked_feature(row, version) %}
    {% set feature = {"feature": seg_checked_name(row.feature, version), "transform": row.transform} %}
    {% set transforms = ("identity", "log", "log1p", "sqrt", "signed_log1p") %}
    {% if row.transform not in transforms %}
        {% do seg_registry_error(
            version, "transform '" ~ row.transform ~ "' is not one of " ~ transforms | join(", ")
        ) %}
    {% endif %}
    {% set exact = seg_checked_object(row, version) %}
    {% do feature.update({"reference": seg_checked_name(row.reference, version) if row.reference else none}) %}
    {% for name in ("median", "center", "scale") %}
        {% do feature.update({name: seg_checked_number(exact[name], version)}) %}
    {% endfor %}
    {% if feature.scale | float <= 0 %}
        {% do seg_registry_error(
            version, "the scale of " ~ feature.feature ~ " is " ~ feature.scale ~ ", not positive"
        ) %}
    {% endif %}
    {% for name in ("floor", "clip_low", "clip_high") %}
        {% set value = exact[name] %}
        {% do feature.update({name: none if value is none else seg_checked_number(value, version)}) %}
    {% endfor %}
    {% if (feature.reference is none) != (feature.floor is none) %}
        {% do seg_registry_error(version, "of " ~ feature.feature ~ " a reference and a floor do not come together") %}
    {% endif %}
    {{ return(feature) }}
{% endmacro %}


{#- A component whose key, name and numbers may become SQL text, in the shape that `size` features need. -#}
{% macro seg_checked_component(row, size, version) %}
    {% set exact = seg_checked_object(row, version) %}
    {% set component = {
        "segment_key": seg_checked_key(row.segment_key, version),
        "segment_name": seg_checked_name(row.segment_name, version),
        "description": row.description or "",
        "weight": seg_checked_number(exact.weight, version),
        "log_norm": seg_checked_number(exact.log_norm, version),
        "mean": seg_checked_numbers(row.mean, size, version),
    } %}
    {% for name in ("covariance", "precision_cholesky") %}
        {% set matrix = [] %}
        {% for line in seg_checked_list(row[name], size, version) %}
            {% do matrix.append(seg_checked_numbers(line, size, version)) %}
        {% endfor %}
        {% do component.update({name: matrix}) %}
    {% endfor %}
    {{ return(component) }}
{% endmacro %}


{#- A list of `size` numbers with an exponent. -#}
{% macro seg_checked_numbers(values, size, version) %}
    {% for value in seg_checked_list(values, size, version) %}{% do seg_checked_number(value, version) %}{% endfor %}
    {{ return(values) }}
{% endmacro %}


{#- A list of `size` values. -#}
{% macro seg_checked_list(values, size, version) %}
    {% if values is string or values is mapping or values is not sequence or values | length != size %}
        {% do seg_registry_error(version, "found " ~ values ~ " where a list of " ~ size ~ " was needed") %}
    {% endif %}
    {{ return(values) }}
{% endmacro %}


{#- The numbers of a row that are kept exact: a JSON object. -#}
{% macro seg_checked_object(row, version) %}
    {% if row.exact_values is not mapping %}
        {% do seg_registry_error(version, "exact_values is not a JSON object of numbers") %}
    {% endif %}
    {{ return(row.exact_values) }}
{% endmacro %}


{#- A finite number with an exponent: nothing else is ever written into SQL. -#}
{% macro seg_checked_number(value, version) %}
    {% if value is not string or not modules.re.match("^-?[0-9]+([.][0-9]+)?e[-+]?[0-9]+\Z", value) %}
        {% do seg_registry_error(version, "'" ~ value ~ "' is not a number with an exponent, such as 1.5e0") %}
    {% elif (value | float | abs) > 1.7976931348623157e308 %}
        {% do seg_registry_error(version, value ~ " is not a finite number") %}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{#- Stops where two of the names are the same. -#}
{% macro seg_refuse_repeats(names, version) %}
    {% if names | unique | list | length != names | length %}
        {% do seg_registry_error(version, "names that must differ do not: " ~ names | join(", ")) %}
    {% endif %}
{% endmacro %}


{#- The end of an unquoted column name, `spend_<suffix>`. -#}
{% macro seg_checked_suffix(value, version) %}
    {% if value is not string or not modules.re.match("^[a-z0-9_]{1,40}\\Z", value) %}
        {% do seg_registry_error(
            version, "'" ~ value ~ "' is not a column suffix of at most 40 lower-case letters, digits and _"
        ) %}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{#- A segment's key: part of an unquoted column name. -#}
{% macro seg_checked_key(value, version) %}
    {% if value is not string or not modules.re.match("^[a-z][a-z0-9_]{0,39}\Z", value) %}
        {% do seg_registry_error(
            version, "'" ~ value ~ "' is not a key of at most 40 lower-case letters, digits and _"
        ) %}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{#- A name that every engine can show. -#}
{% macro seg_checked_name(value, version) %}
    {% if not seg_is_a_name(value) %}
        {% do seg_registry_error(
            version, "'" ~ value ~ "' is not a name: 1 to 200 characters, no control character, no backslash"
        ) %}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{#- Stops the build: what was found in the registry, and the way out. -#}
{% macro seg_registry_error(version, found) %}
    {% do exceptions.raise_compiler_error(
        "warehouse_seg: model version " ~ version ~ " in the registry cannot be used: " ~ found
        ~ ". Activate another version (`warehouse-seg models`, `warehouse-seg activate N`) or fit a new one"
        ~ " (`warehouse-seg fit`)."
    ) %}
{% endmacro %}


{#-
    Every registry table as the relation that exists, or none.

    `source()` is called for the lineage; the relation is looked up, since under --empty the text of a source reads no
    rows and on an empty database there is nothing to read.
-#}
{% macro seg_registry_relations() %}
    {% set relations = {} %}
    {% set tables = ["seg_models", "seg_model_features", "seg_model_components", "seg_model_categories"] %}
    {% for name in tables + ["seg_model_activations"] %}
        {% set declared = source("seg_registry", name) %}
        {% do relations.update({name: load_relation(declared) if execute else none}) %}
    {% endfor %}
    {{ return(relations) }}
{% endmacro %}


{#- The one integer that a query returns; none where it returns no row or NULL. -#}
{% macro seg_single_integer(query) %}
    {% set rows = run_query(query).rows %}
    {{ return(rows[0][0] | int if rows | length and rows[0][0] is not none else none) }}
{% endmacro %}


{#-
    Rows as dictionaries: JSON columns parsed, texts as they are.

    dbt guesses types of fetched texts ('123' comes back as a number, '2020-01-01' as a date), so the queries
    put a `=` before every text, and this takes it away.
-#}
{% macro seg_json_rows(query) %}
    {% set table = run_query(query) %}
    {% set rows = [] %}
    {% for row in table.rows %}
        {% set values = {} %}
        {% for name in table.column_names %}
            {% set value = row[name] %}
            {% if value is string and value.startswith("=") %}
                {% set value = value[1:] %}
            {% elif value is string %}
                {% set value = fromjson(value) %}
            {% elif name in ("n_components", "n_features") %}
                {% set value = value | int %}
            {% endif %}
            {% do values.update({name | lower: value}) %}
        {% endfor %}
        {% do rows.append(values) %}
    {% endfor %}
    {{ return(rows) }}
{% endmacro %}
