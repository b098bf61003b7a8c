{#-
    Whether a stored model is the one that was published, and one that can be scored at all. Python has the same rules
    (warehouse_seg/model); tests/corrupt_registry_rows.py tries both on one list.
-#}

{#- Stops where the weights do not sum to one, a factor is no upper triangle with a positive diagonal, log_norm is not
    that of weight and factor, or the numbers have another fingerprint than the stored one. -#}
{% macro seg_require_consistent(mixture, fingerprint) %}
    {% set version = mixture.model_version %}
    {% set weights = mixture.components | map(attribute="weight") | map("float") | list %}
    {% if weights | min <= 0 or (weights | sum - 1) | abs > 1e-9 %}
        {% do seg_registry_error(
            version, "the weights of the segments sum to " ~ weights | sum ~ ", the smallest is " ~ weights | min
            ~ "; needed positive ones that sum to 1"
        ) %}
    {% endif %}
    {% for segment in mixture.components %}
        {% do seg_require_triangle(segment, version) %}
    {% endfor %}
    {% set problem = run_query(seg_inconsistency(mixture, fingerprint, target.type)).rows[0][0] %}
    {% if problem %}
        {% do seg_registry_error(version, problem) %}
    {% endif %}
{% endmacro %}


{#- Stops where the factor of a segment's precision is no upper triangle with a positive diagonal. -#}
{% macro seg_require_triangle(segment, version) %}
    {% for line in segment.precision_cholesky %}
        {% set below = line[:loop.index0] | map("float") | select("ne", 0) | list %}
        {% if below or line[loop.index0] | float <= 0 %}
            {% do seg_registry_error(
                version, segment.segment_key ~ ": precision_cholesky is not an upper triangle with a positive diagonal"
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{#- One row with one text: what of the numbers does not fit the others or the fingerprint, NULL where all does. Jinja
    has neither logarithms nor SHA-256. -#}
{% macro seg_inconsistency(mixture, fingerprint, dialect) %}
    {% set double = seg_double(dialect) %}
    {% set log_of_two_pi = "1.8378770664093453e0" %}
    {% set cases = [] %}
    {% for segment in mixture.components %}
        {% set terms = ["ln(cast(" ~ segment.weight ~ " as " ~ double ~ "))"] %}
        {% for line in segment.precision_cholesky %}
            {% do terms.append("ln(cast(" ~ line[loop.index0] ~ " as " ~ double ~ "))") %}
        {% endfor %}
        {% set halves = seg_exponent(mixture.features | length / 2) %}
        {% set expected = "(" ~ terms | join(" + ") ~ " - " ~ halves ~ " * " ~ log_of_two_pi ~ ")" %}
        {% set stored = "cast(" ~ segment.log_norm ~ " as " ~ double ~ ")" %}
        {% do cases.append(
            "when abs(" ~ stored ~ " - " ~ expected ~ ") > 1e-9 * (case when abs(" ~ expected ~ ") > 1 then abs("
            ~ expected ~ ") else 1 end) then "
            ~ seg_literal(segment.segment_key ~ ": log_norm is not that of its weight and precision_cholesky", dialect)
        ) %}
    {% endfor %}
    {% set content = seg_literal(seg_fingerprint_content(mixture), dialect) %}
    {% do cases.append(
        "when substr(" ~ seg_sha256(content, dialect) ~ ", 1, 16) <> " ~ seg_literal(fingerprint or "", dialect)
        ~ " then 'its numbers are not those that were published: they have another fingerprint'"
    ) %}
    {{ return("select case " ~ cases | join(" ") ~ " end as problem") }}
{% endmacro %}


{#- What the fingerprint is made from, as `SegmentModel.fingerprint` writes it: everything that decides a score. -#}
{% macro seg_fingerprint_content(mixture) %}
    {% set features = [] %}
    {% for feature in mixture.features %}
        {% set numbers = {} %}
        {% for name in ("center", "clip_high", "clip_low", "feature", "floor", "reference", "scale", "transform") %}
            {% do numbers.update({name: feature[name]}) %}
        {% endfor %}
        {% do features.append(numbers) %}
    {% endfor %}
    {% set components = [] %}
    {% for segment in mixture.components %}
        {% set numbers = {} %}
        {% for name in ("covariance", "log_norm", "mean", "precision_cholesky", "segment_key", "weight") %}
            {% do numbers.update({name: segment[name]}) %}
        {% endfor %}
        {% do components.append(numbers) %}
    {% endfor %}
    {{ return(seg_canonical_json({
        "categories": mixture.categories,
        "components": components,
        "features": features,
        "outlier_log_density": mixture.outlier_log_density,
    })) }}
{% endmacro %}


{#- JSON without blanks and with sorted keys, as Python's `json.dumps(sort_keys=True, separators=(",", ":"))`. -#}
{% macro seg_canonical_json(value) %}
    {% set parts = [] %}
    {% if value is mapping %}
        {% for key in value | sort %}
            {% do parts.append(tojson(key) ~ ":" ~ seg_canonical_json(value[key])) %}
        {% endfor %}
        {{ return("{" ~ parts | join(",") ~ "}") }}
    {% elif value is sequence and value is not string %}
        {% for item in value %}{% do parts.append(seg_canonical_json(item)) %}{% endfor %}
        {{ return("[" ~ parts | join(",") ~ "]") }}
    {% endif %}
    {{ return(tojson(value)) }}
{% endmacro %}
