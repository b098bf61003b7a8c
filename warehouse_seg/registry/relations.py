"""The registry's tables as relations of the warehouse: which are there, with which columns, rows in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from warehouse_seg.errors import UsageError
from warehouse_seg.registry.rows import Row
from warehouse_seg.registry.tables import (
    ADDED_COLUMNS,
    SCHEMA_COLUMNS,
    SCHEMA_TABLE,
    TABLES,
    Kinds,
)
from warehouse_seg.sql.rendering import render_statement
from warehouse_seg.warehouse.connection import Warehouse

NEVER_NULL = frozenset({"activation", "model_version", "position", "component"})
"""Columns that say which row it is."""

COLUMNS: Mapping[str, Kinds] = {**TABLES, SCHEMA_TABLE: SCHEMA_COLUMNS}


@dataclass(frozen=True)
class Relations:
    """The tables in one schema.

    tables: plain name → the relation's name as dbt wrote it
    schema: the schema's name as SQL text
    """

    warehouse: Warehouse
    tables: Mapping[str, str]
    schema: str

    def has(self, name: str) -> bool:
        """Whether the table is there. A dbt package older than the table does not know it: then it is not."""
        return name in self.tables and self.warehouse.has_relation(self.tables[name])

    def missing_columns(self, name: str) -> list[str]:
        """The columns that this version of the package writes and the table lacks, in their order.

        Raises UsageError where it lacks a column that every release makes.
        """
        present = self.warehouse.column_types(f"select * from {self.tables[name]}")
        names = {column.lower() for column in present}
        missing = [column for column in COLUMNS[name] if column not in names]
        lost = [column for column in missing if column not in ADDED_COLUMNS.get(name, ())]
        if lost:
            raise UsageError(
                f"{self.tables[name]} has no column {', '.join(lost)}, which every release of this package makes: the "
                "registry is damaged. Bring the table back from a backup, or move the registry's tables aside and fit "
                "anew (`warehouse-seg fit`)"
            )
        return missing

    def create(self, name: str) -> None:
        """Make the table, unless it is there."""
        self._define(name, None)

    def add_column(self, name: str, column: str) -> None:
        """Add a column, NULL in every row; another program may have added it meanwhile."""
        try:
            self._define(name, column)
        except UsageError:
            if column in self.missing_columns(name):
                raise

    def insert(self, name: str, rows: Sequence[Row]) -> None:
        """Rows into one table, in one statement: all of them or none."""
        if not rows:
            return
        self.warehouse.execute(
            render_statement(
                "registry_insert",
                table=self.tables[name],
                columns=COLUMNS[name],
                rows=rows,
                dialect=self.warehouse.dialect,
            )
        )

    def select(self, name: str, order_by: str, version: int | None = None) -> list[Row]:
        """Rows of one table; a table that nobody has made yet has none, a column that nobody has added yet is None.

        Raises UsageError where a row does not say which one it is.
        """
        if not self.has(name):
            return []
        missing = self.missing_columns(name)
        rows = self.warehouse.rows(
            render_statement(
                "registry_select",
                table=self.tables[name],
                columns=[column for column in COLUMNS[name] if column not in missing],
                model_version=version,
                order_by=order_by,
            )
        )
        for column in sorted(NEVER_NULL):
            if any(row.get(column, 0) is None for row in rows):
                raise UsageError(
                    f"{self.tables[name]} has a row whose {column} is NULL, which this package never writes; delete it "
                    f"(`delete from {self.tables[name]} where {column} is null`) and try again"
                )
        return [row | dict.fromkeys(missing) for row in rows]

    def _define(self, name: str, added: str | None) -> None:
        self.warehouse.execute(
            render_statement(
                "registry_table",
                table=self.tables[name],
                columns=COLUMNS[name],
                added=added,
                dialect=self.warehouse.dialect,
            )
        )


def now() -> str:
    """The present moment in UTC, as a timestamp's text."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
