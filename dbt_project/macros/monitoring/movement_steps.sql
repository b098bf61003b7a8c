{#-
    Which movements a build has to make: those between neighbours of the grid that the table lacks, or has of an earlier
    scoring of one of them. Not pure: it asks the warehouse what there is.
-#}

{#- The configuration of a table of movements: it can be made anew from the history, so that a full refresh may. -#}
{% macro seg_movement_config() %}
    {% set config = seg_history_config() %}
    {% do config.pop("full_refresh") %}
    {{ return(config) }}
{% endmacro %}


{#- The steps to make, as movements.sql takes them, with the models that they need.

    movements    the table that they go to; its rows of a date are replaced together -#}
{% macro seg_due_steps(history, movements) %}
    {% set scored = seg_scorings(load_relation(history)) %}
    {% set made = seg_made_steps(load_relation(movements) if is_incremental() else none) %}
    {% set models = {} %}
    {% set due = [] %}
    {% for date in scored %}
        {% set steps = seg_steps_to(date, scored) %}
        {% set stamps = [] %}
        {% for step in steps %}
            {% do stamps.append(step.cause ~ " " ~ step.before.scored_at ~ " " ~ step.after.scored_at) %}
        {% endfor %}
        {% if stamps | sort != made.get(date, []) | sort %}
            {% for step in steps %}
                {% for side in [step.before, step.after] %}
                    {% if side.model_version not in models %}
                        {% do models.update({side.model_version: seg_stored_model(side.model_version)}) %}
                    {% endif %}
                    {% do side.update({"model": models[side.model_version]}) %}
                {% endfor %}
                {% do due.append(step) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(due) }}
{% endmacro %}


{#- The step or steps that lead to a date from its neighbour on the grid; [] where the history lacks that. -#}
{% macro seg_steps_to(date, scored) %}
    {% set after = scored[date] %}
    {% set before = scored.get(after.date_before) %}
    {% if before is none or before.known is none or after.known is none %}{{ return([]) }}{% endif %}
    {% set step = {"date": date, "previous_date": after.date_before} %}
    {% if before.known.model_version == after.known.model_version %}
        {{ return([dict(step, cause="customers", before=dict(before.known), after=dict(after.known))]) }}
    {% endif %}
    {% for bridge in after.previous_models if bridge.model_version == before.known.model_version %}
        {{ return([
            dict(step, cause="customers", before=dict(before.known), after=dict(bridge)),
            dict(step, cause="model", before=dict(bridge), after=dict(after.known)),
        ]) }}
    {% endfor %}
    {{ return([dict(step, cause="customers and model", before=dict(before.known), after=dict(after.known))]) }}
{% endmacro %}


{#- Date → {date_before, known, previous_models}, in order. `known` is {date, basis, model_version, scored_at}, and the
    others a list of them. Dates that are not of the grid, since `history.every` was another, have no neighbours. -#}
{% macro seg_scorings(relation) %}
    {% set dates = {} %}
    {% if relation is none %}{{ return(dates) }}{% endif %}
    {% set text = seg_text(target.type) %}
    {% set period = seg_history_period() %}
    {% set start = seg_period_start(seg_days_after("as_of_date", -1, target.type), period, target.type) %}
    {% set own_start = seg_period_start("as_of_date", period, target.type) %}
    {% set rows = run_query(
        "select '=' || cast(as_of_date as " ~ text ~ ") as as_of_date, '=' || cast(" ~ start ~ " as " ~ text
        ~ ") as date_before, basis, model_version, '=' || cast(max(scored_at) as " ~ text ~ ") as scored_at from "
        ~ relation ~ " where basis <> 'restated' and as_of_date = " ~ own_start
        ~ " group by as_of_date, basis, model_version"
        ~ " order by as_of_date asc nulls last, basis asc nulls last, model_version asc nulls last"
    ).rows %}
    {% for row in rows %}
        {% set date = row[0][1:] %}
        {% do dates.setdefault(date, {"date_before": row[1][1:], "known": none, "previous_models": []}) %}
        {% set scoring = {
            "date": date, "basis": row[2], "model_version": row[3] | int, "scored_at": row[4][1:]
        } %}
        {% if scoring.basis == "known" %}
            {% do dates[date].update({"known": scoring}) %}
        {% else %}
            {% do dates[date].previous_models.append(scoring) %}
        {% endif %}
    {% endfor %}
    {{ return(dates) }}
{% endmacro %}


{#- Date → cause and both stamps of each step that a table of movements has. -#}
{% macro seg_made_steps(relation) %}
    {% set made = {} %}
    {% if relation is none %}{{ return(made) }}{% endif %}
    {% set text = seg_text(target.type) %}
    {% set rows = run_query(
        "select '=' || cast(as_of_date as " ~ text ~ ") as as_of_date, cause || ' ' || cast(max(previous_scored_at) as "
        ~ text ~ ") || ' ' || cast(max(scored_at) as " ~ text ~ ") as stamps from " ~ relation
        ~ " group by as_of_date, cause"
    ).rows %}
    {% for row in rows %}{% do made.setdefault(row[0][1:], []).append(row[1]) %}{% endfor %}
    {{ return(made) }}
{% endmacro %}


{#- The name of every segment of the steps, by key; the later model's where both have it. -#}
{% macro seg_names_of_step(step) %}
    {% set names = {} %}
    {% for segment in step.before.model.components + step.after.model.components %}
        {% do names.update({segment.segment_key: segment.segment_name}) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}


{#- {date, scored_at, names} of the latest date of the history where the table of paths lacks it, or rests on earlier
    scorings; else none. -#}
{% macro seg_due_paths(history, paths) %}
    {% set dates = seg_history_dates(load_relation(history), "") %}
    {% if not dates %}{{ return(none) }}{% endif %}
    {% set due = {"date": dates[-1].as_of_date, "scored_at": dates | map(attribute="scored_at") | max, "names": {}} %}
    {% set made = load_relation(paths) if is_incremental() else none %}
    {% if made is not none %}
        {% set there = "select count(*) from " ~ made ~ " where as_of_date = " ~ seg_date(due.date, target.type)
            ~ " and scored_at = cast(" ~ seg_literal(due.scored_at, target.type) ~ " as timestamp)" %}
        {% if seg_single_integer(there) %}{{ return(none) }}{% endif %}
    {% endif %}
    {% for version in dates | map(attribute="model_version") | unique %}
        {% for segment in seg_stored_model(version).components %}
            {% do due.names.update({segment.segment_key: segment.segment_name}) %}
        {% endfor %}
    {% endfor %}
    {{ return(due) }}
{% endmacro %}
