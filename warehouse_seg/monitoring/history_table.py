"""The table `seg_membership_history`: which dates it has, rows of a date in, a date whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from warehouse_seg.errors import UsageError
from warehouse_seg.sql.rendering import render, render_statement
from warehouse_seg.warehouse.connection import Warehouse

PREFIX = "membership_"


class Basis(StrEnum):
    """What the rows of a date rest on; the model's description in dbt says it at length."""

    KNOWN = "known"
    PREVIOUS_MODEL = "previous_model"
    RESTATED = "restated"


@dataclass(frozen=True, order=True)
class Scoring:
    """The rows of one date, basis and model version."""

    as_of_date: date
    basis: Basis
    model_version: int


@dataclass(frozen=True)
class HistoryTable:
    """The history of an open warehouse.

    relation: as dbt writes its name
    """

    warehouse: Warehouse
    relation: str

    def scorings(self) -> list[Scoring]:
        """What the table has, in order."""
        rows = self.warehouse.rows(
            f"select distinct as_of_date, basis, model_version from {self.relation}"
        )
        return sorted(
            Scoring(row["as_of_date"], Basis(row["basis"]), int(row["model_version"]))
            for row in rows
        )

    def known_versions(self) -> dict[date, int]:
        """Date → the version that scored it."""
        return {s.as_of_date: s.model_version for s in self.scorings() if s.basis is Basis.KNOWN}

    def columns(self) -> list[str]:
        """The table's columns, in its order."""
        return [name.lower() for name in self.warehouse.column_types(self._all())]

    def add_segments(self, keys: Sequence[str]) -> None:
        """Add the membership columns of segments that have none, NULL in every row that is there."""
        present = self.columns()
        for key in keys:
            if PREFIX + key not in present:
                self.warehouse.execute(
                    render_statement(
                        "history_column",
                        table=self.relation,
                        column=PREFIX + key,
                        dialect=self.warehouse.dialect,
                    )
                )

    def segment_keys(self) -> list[str]:
        """The keys of the segments that have a column."""
        return [name.removeprefix(PREFIX) for name in self.columns() if name.startswith(PREFIX)]

    def write(self, days: Sequence[date], basis: Basis, rows: str) -> None:
        """Put the rows of a query in the place of the dates': all of a date for what is known, else of that basis.

        A program that is killed leaves the dates as they were or whole. Spark overwrites partitions of date and basis.
        """
        columns = ", ".join(self.columns())
        selected = f"select {columns} from ({rows}) as scored"
        if not self.warehouse.has_transactions:
            self.warehouse.execute("set spark.sql.sources.partitionOverwriteMode = dynamic")
            self.warehouse.execute(
                f"insert overwrite table {self.relation} partition (as_of_date, basis) {selected}"
            )
            return
        dates = ", ".join(render("seg_date", str(day), self.warehouse.dialect) for day in days)
        of_basis = "" if basis is Basis.KNOWN else f" and basis = '{basis}'"
        with self.warehouse.transaction(self.relation):
            self.warehouse.execute(
                f"delete from {self.relation} where as_of_date in ({dates}){of_basis}"
            )
            self.warehouse.execute(f"insert into {self.relation} ({columns}) {selected}")

    def require_shape(self) -> None:
        """Raise UsageError where the table is of a release that kept other columns."""
        lacking = {"basis", "scored_at", "order_lines", "segment_key"} - set(self.columns())
        if lacking:
            raise UsageError(
                f"{self.relation} has no column {', '.join(sorted(lacking))}: it is not a history of this release. "
                "Move it aside, and `dbt build --select seg_membership_history` makes a new one"
            )

    def _all(self) -> str:
        return f"select * from {self.relation}"
