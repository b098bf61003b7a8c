{#-
    The sets of features that some customers lack, each a list of names, counted in the features as they were built: for
    each of them the scoring SQL has a branch. [] while the table is not there, and where nothing is missing.

    mixture     the model; features: the relation, or a mock of it in a unit test
-#}
{% macro seg_missing_patterns(mixture, features) %}
    {% set relation = none if not execute or flags.EMPTY or features.is_cte else load_relation(features) %}
    {{ return([] if relation is none else seg_patterns_in(mixture, relation)) }}
{% endmacro %}


{#- The same, counted in any relation of features: a name, or a query in parentheses with an alias. -#}
{% macro seg_patterns_in(mixture, relation) %}
    {% set allowed = seg_setting("model.missing_patterns") %}
    {% set rows = run_query(seg_count_patterns(mixture, relation, allowed + 1, target.type)).rows %}
    {% set patterns = [] %}
    {% for row in rows %}
        {% set flags_of_row = row[0].split(" ")[1] %}
        {% set names = [] %}
        {% for feature in mixture.features %}
            {% if flags_of_row[loop.index0] == "1" %}{% do names.append(feature.feature) %}{% endif %}
        {% endfor %}
        {% do patterns.append(names) %}
    {% endfor %}
    {% if patterns | length > allowed %}
        {% do exceptions.raise_compiler_error(
            "warehouse_seg: features are missing in more than " ~ allowed ~ " combinations, among them "
            ~ patterns[0] | join(" with ") ~ ", and each takes a branch of the scoring SQL. Fit without such a feature,"
            ~ " fill it in a feature model of your own, or raise the variable `model.missing_patterns`."
        ) %}
    {% endif %}
    {{ return(patterns) }}
{% endmacro %}


{#- The columns that features are made of: a ratio of shares has two. -#}
{% macro seg_columns_of_features(features) %}
    {% set names = [] %}
    {% for feature in features %}
        {% for name in [feature.feature, feature.reference] if name is not none and name not in names %}
            {% do names.append(name) %}
        {% endfor %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}
