{#-
    What a build adds to the history: the latest date of the grid that the scored day has reached, unless the history
    has it already.

    A date keeps what was known when it was scored. Where the scored day is itself a date of the grid the scores of
    this build are kept, and a second build of that day replaces them. Else the build has come past a date that no build
    scored: then its features are made anew from the order lines.

    Not pure: it asks the warehouse what there is.
-#}

{#- The configuration of a table that keeps what no build can make anew.

    partitions  columns of which Spark overwrites the combinations that a build brings; others delete its dates -#}
{% macro seg_history_config(partitions=["as_of_date"]) %}
    {% set overwrites = target.type in ("spark", "databricks", "bigquery") %}
    {% set day = {"field": "as_of_date", "data_type": "date"} if target.type == "bigquery" else partitions %}
    {% set engine = {"incremental_strategy": "insert_overwrite", "partition_by": day} if overwrites
        else {"incremental_strategy": "delete+insert", "unique_key": "as_of_date"} %}
    {% if target.type == "spark" %}{% do engine.update({"file_format": "parquet"}) %}{% endif %}
    {{ return(dict(engine, materialized="incremental", on_schema_change="append_new_columns", full_refresh=false)) }}
{% endmacro %}


{#- Stops where the project's own `+materialized` won over the package's: a table would lose its past at each build. -#}
{% macro seg_require_incremental() %}
    {% if execute and seg_is_building() and model.config.materialized != "incremental" %}
        {% do exceptions.raise_compiler_error(
            "warehouse_seg: " ~ model.name ~ " keeps the past and must be materialized as incremental, found "
            ~ model.config.materialized ~ ", which would lose it. Write"
            ~ " `monitoring: {history: {+materialized: incremental}}` below `models: warehouse_seg:` in"
            ~ " dbt_project.yml (`warehouse-seg init` does)."
        ) %}
    {% endif %}
{% endmacro %}


{#-
    What to write: none, or {date, is_now, segment_keys, parts}; each part is {model, scores (SQL), basis}.

    Two parts where the model has changed since the date before: the second are the same customers under the model
    before, so that the part of a movement that comes from the new model can be told.
-#}
{% macro seg_history_plan(scores, history) %}
    {% set due = seg_due_date(scores, history) %}
    {% if due is none %}{{ return(none) }}{% endif %}
    {% set mixture = seg_scored_model() %}
    {% set current = seg_history_part(mixture, due, scores, "known") %}
    {% if current is none %}
        {% do exceptions.warn(
            "warehouse_seg: the history lacks " ~ due.date ~ ". No build scored that day, and the model's features of"
            ~ " then cannot be made from order lines (`extra_features` or `feature_table`). Build once with"
            ~ " `as_of_date: '" ~ due.date ~ "'` in --vars."
        ) %}
        {{ return(none) }}
    {% endif %}
    {% set parts = [current] %}
    {% if due.version_before is not none and due.version_before != mixture.model_version %}
        {% set previous = seg_history_part(seg_stored_model(due.version_before), due, scores, "previous_model") %}
        {% if previous is not none %}{% do parts.append(previous) %}{% endif %}
    {% endif %}
    {{ return(dict(due, segment_keys=seg_history_keys(history, parts), parts=parts)) }}
{% endmacro %}


{#- Names what the history may read, so that dbt builds it first. -#}
{% macro seg_read_for_history() %}
    {% do seg_scored_model() %}
    {% do ref("seg_customer_features") %}
    {% do seg_input("extra_features") %}
    {% if seg_is_enabled("features", "transactions") %}
        {% do ref("seg_customer_rfm") %}
        {% do ref("seg_customer_category_spend") %}
        {% do ref("stg_seg__transactions") %}
    {% endif %}
{% endmacro %}


{#- {date, is_now, version_before} where a date is to be written, else none. -#}
{% macro seg_due_date(scores, history) %}
    {% set scored = load_relation(scores) %}
    {% if scored is none %}{{ return(none) }}{% endif %}
    {% set start = seg_period_start("max(as_of_date)", seg_history_period(), target.type) %}
    {% set text = seg_text(target.type) %}
    {% set row = run_query(
        "select '=' || cast(" ~ start ~ " as " ~ text ~ ") as period_start, '=' || cast(max(as_of_date) as " ~ text
        ~ ") as as_of_date from " ~ scored
    ).rows[0] %}
    {% if row[0] is none %}{{ return(none) }}{% endif %}
    {% set date, now = row[0][1:], row[1][1:] %}
    {% set due = {"date": date, "is_now": date == now, "version_before": none} %}
    {% set existing = load_relation(history) %}
    {% if existing is none %}{{ return(due) }}{% endif %}
    {% set on_date = " from " ~ existing ~ " where basis = 'known' and as_of_date " %}
    {% set literal = seg_date(date, target.type) %}
    {% if not due.is_now and seg_single_integer("select max(model_version)" ~ on_date ~ "= " ~ literal) is not none %}
        {{ return(none) }}
    {% endif %}
    {% set before = "(select max(as_of_date)" ~ on_date ~ "< " ~ literal ~ ")" %}
    {% do due.update({"version_before": seg_single_integer("select max(model_version)" ~ on_date ~ "= " ~ before)}) %}
    {{ return(due) }}
{% endmacro %}


{#- The scores of the date under one model; none where its features of then are unknown. -#}
{% macro seg_history_part(mixture, due, scores, basis) %}
    {% if due.is_now and basis == "known" %}
        {{ return({"model": mixture, "scores": scores, "basis": basis}) }}
    {% endif %}
    {% set features = seg_features_for_history(mixture, due) %}
    {% if features is none %}{{ return(none) }}{% endif %}
    {% do mixture.update({"patterns": seg_patterns_in(mixture, features)}) %}
    {% set scored = seg_mixture_scores(mixture, features, ["customer_id", "as_of_date"], target.type) %}
    {{ return({"model": mixture, "scores": "(" ~ scored ~ ") as scores", "basis": basis}) }}
{% endmacro %}


{#- The features that a model needs, as of the date: a relation as SQL text; none where they are unknown. -#}
{% macro seg_features_for_history(mixture, due) %}
    {% set needed = seg_columns_of_features(mixture.features) %}
    {% set extra = seg_extra_columns() if due.is_now else [] %}
    {% if seg_setting("feature_table") is not none %}
        {% set relation = load_relation(ref("seg_customer_features")) %}
        {% set known = adapter.get_columns_in_relation(relation) | map(attribute="name") | list if due.is_now else [] %}
    {% else %}
        {% set known = seg_rfm_features().split() + extra %}
        {% for suffix in mixture.categories | map(attribute="column_suffix") | list + ["other"] %}
            {% do known.extend(["spend_" ~ suffix, "share_" ~ suffix]) %}
        {% endfor %}
    {% endif %}
    {% if needed | reject("in", known) | list %}{{ return(none) }}{% endif %}
    {% if seg_setting("feature_table") is not none %}{{ return(relation | string) }}{% endif %}
    {% set has_categories = seg_setting("columns.category") is not none %}
    {% set query = seg_wide_features(
        ref("seg_customer_rfm"), ref("seg_customer_category_spend"), mixture.categories, target.type,
        seg_input("extra_features"), extra
    ) if due.is_now else seg_past_features(
        ref("stg_seg__transactions"), has_categories, mixture.categories, due.date, target.type
    ) %}
    {{ return("(" ~ query ~ ") as features") }}
{% endmacro %}


{#- The keys of all segments that have a column in the history, or get one: a column stays. -#}
{% macro seg_history_keys(history, parts) %}
    {% set keys = seg_kept_keys(history) %}
    {% for part in parts %}
        {% for segment in part.model.components if segment.segment_key not in keys %}
            {% do keys.append(segment.segment_key) %}
        {% endfor %}
    {% endfor %}
    {{ return(keys) }}
{% endmacro %}


{#- The keys of the segments that have a column in the history, in the table's order. -#}
{% macro seg_kept_keys(history) %}
    {% set existing = load_relation(history) if execute else none %}
    {% set keys = [] %}
    {% if existing is not none %}
        {% for name in adapter.get_columns_in_relation(existing) | map(attribute="name") | map("lower") %}
            {% if name.startswith("membership_") %}{% do keys.append(name[11:]) %}{% endif %}
        {% endfor %}
    {% endif %}
    {{ return(keys) }}
{% endmacro %}


{#- What `seg_segment_history` lacks, or has of an earlier scoring: a list of {model_version, dates}. -#}
{% macro seg_dates_to_assign(memberships, history) %}
    {% set scored = seg_history_dates(load_relation(memberships), "where basis = 'known'") %}
    {% set assigned = seg_history_dates(load_relation(history), "") %}
    {% set versions = {} %}
    {% for row in scored if row not in assigned %}
        {% do versions.setdefault(row.model_version, []).append(row.as_of_date) %}
    {% endfor %}
    {% set due = [] %}
    {% for version in versions | sort %}
        {% do due.append({"model_version": version, "dates": versions[version] | sort}) %}
    {% endfor %}
    {{ return(due) }}
{% endmacro %}


{#- The dates of a history with the version and moment of their scoring, in order; [] where there is no such table. -#}
{% macro seg_history_dates(relation, condition) %}
    {% if relation is none %}{{ return([]) }}{% endif %}
    {% set text = seg_text(target.type) %}
    {% set rows = run_query(
        "select '=' || cast(as_of_date as " ~ text ~ ") as as_of_date, model_version, '=' || cast(scored_at as " ~ text
        ~ ") as scored_at from " ~ relation ~ " " ~ condition ~ " group by as_of_date, model_version, scored_at"
        ~ " order by as_of_date asc nulls last, model_version asc nulls last"
    ).rows %}
    {% set dates = [] %}
    {% for row in rows %}
        {% do dates.append({
            "as_of_date": row[0][1:], "model_version": row[1] | int, "scored_at": row[2][1:]
        }) %}
    {% endfor %}
    {{ return(dates) }}
{% endmacro %}


{#- How many order lines are known of a date, as seg_membership_rows takes it; none without order lines. -#}
{% macro seg_known_order_lines(date) %}
    {% if not seg_is_enabled("features", "transactions") %}{{ return(none) }}{% endif %}
    {% set query = seg_count_order_lines(ref("stg_seg__transactions"), date, target.type) %}
    {{ return({date: seg_single_integer(query)}) }}
{% endmacro %}


{#- Removes dates before those that `history.keep` keeps. For a post-hook of a table with as_of_date. -#}
{% macro seg_forget_old_dates() %}
    {% set keep = seg_history_keep() %}
    {% if keep is none or not execute or not seg_is_building() %}{{ return("") }}{% endif %}
    {% set rows = run_query(
        "select distinct '=' || cast(as_of_date as " ~ seg_text(target.type) ~ ") as as_of_date from " ~ this
    ).rows %}
    {% set dates = [] %}
    {% for row in rows %}{% do dates.append(row[0][1:]) %}{% endfor %}
    {% for date in (dates | sort(reverse=true))[keep:] %}
        {% set literal = seg_date(date, target.type) %}
        {% if target.type == "spark" %}
            {% do run_query("alter table " ~ this ~ " drop if exists partition (as_of_date = " ~ literal ~ ")") %}
        {% else %}
            {% do run_query("delete from " ~ this ~ " where as_of_date = " ~ literal) %}
        {% endif %}
    {% endfor %}
    {{ return("") }}
{% endmacro %}
