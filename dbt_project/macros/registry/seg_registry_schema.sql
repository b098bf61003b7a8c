{#-
    Stops where a newer release has upgraded the registry: nobody knows here what its columns mean. A registry without
    the table `seg_registry_schema` is of an earlier release, and can be read.

    Python has the same rule (warehouse_seg/registry/migrations.py).
-#}
{% macro seg_require_known_schema() %}
    {% set declared = source("seg_registry", "seg_registry_schema") %}
    {% set relation = load_relation(declared) if execute else none %}
    {% if relation is none %}{{ return(none) }}{% endif %}
    {% set version = seg_single_integer("select max(schema_version) from " ~ relation) %}
    {% if version is not none and version > seg_schema_version() %}
        {% do exceptions.raise_compiler_error(
            "warehouse_seg: the registry in " ~ relation.schema ~ " has schema version " ~ version
            ~ ", written by a newer release; this dbt package knows versions up to " ~ seg_schema_version()
            ~ ". Upgrade it: `pip install -U warehouse-seg`, then `warehouse-seg init` and `dbt deps`."
        ) %}
    {% endif %}
{% endmacro %}


{#- The form of the registry's tables that this release reads; SCHEMA_VERSION in warehouse_seg/registry/tables.py. -#}
{% macro seg_schema_version() %}{{ return(3) }}{% endmacro %}
