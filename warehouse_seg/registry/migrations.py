"""Brings the registry of an earlier release to the form that this one writes, before the first row is written.

Only tables and columns are added, so an earlier release goes on reading its own. Each step looks at what is there: a
kill between any two of them leaves a registry that can be read, and the next write does the rest. The row that says
which form the tables have is written last.
"""

from __future__ import annotations

from warehouse_seg.dbt.package_version import program_version
from warehouse_seg.errors import UsageError
from warehouse_seg.registry.relations import Relations, now
from warehouse_seg.registry.tables import SCHEMA_TABLE, SCHEMA_VERSION, TABLES

UNNUMBERED = 1
"""The form of a registry that says none: that of the releases before the table."""


def schema_version(relations: Relations) -> int:
    """The form that the registry's tables have."""
    versions = [row["schema_version"] for row in relations.select(SCHEMA_TABLE, "schema_version")]
    return max((int(version) for version in versions if version is not None), default=UNNUMBERED)


def require_known_schema(relations: Relations) -> None:
    """Raise UsageError where a newer release has upgraded the registry: nobody knows here what its columns mean."""
    version = schema_version(relations)
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"the registry in {relations.schema} has schema version {version}, written by a newer release; "
            f"warehouse-seg {program_version()} knows versions up to {SCHEMA_VERSION}. Upgrade it: "
            "`pip install -U warehouse-seg`, then `warehouse-seg init` and `dbt deps`"
        )


def migrate(relations: Relations) -> None:
    """Make the tables and columns that are missing, then say so in `seg_registry_schema`.

    Raises UsageError, before anything is changed, for a newer registry and for one that lost a column.
    """
    require_known_schema(relations)
    created = [name for name in (*TABLES, SCHEMA_TABLE) if name in relations.tables]
    absent = [name for name in created if not relations.has(name)]
    added = [
        (name, column)
        for name in created
        if name not in absent
        for column in relations.missing_columns(name)
    ]
    if absent:
        relations.warehouse.execute(f"create schema if not exists {relations.schema}")
    for name in absent:
        relations.create(name)
    for name, column in added:
        relations.add_column(name, column)
    if SCHEMA_TABLE in created and schema_version(relations) < SCHEMA_VERSION:
        row = {
            "schema_version": SCHEMA_VERSION,
            "upgraded_at": now(),
            "package_version": program_version(),
        }
        relations.insert(SCHEMA_TABLE, [row])
