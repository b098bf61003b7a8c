"""The features of many dates, oldest first, without reading every order line for each of them.

The order lines are read once, into one row per order and one per customer, category and period. From one date to the
next only the customers with lines in between get new features, by the queries that dbt builds features with; for the
others only the days since their orders grow. Spark has no tables that end with the connection: there all lines are read
for each date.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any

from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.feature_queries import past_columns
from warehouse_seg.settings import Period
from warehouse_seg.sql.rendering import render, render_statement
from warehouse_seg.warehouse.connection import Warehouse

ORDERS, CATEGORIES, PAIRS, CHANGES, FEATURES = (
    f"seg_backfill_{name}" for name in ("orders", "categories", "pairs", "changes", "features")
)
"""Temporary tables: they end with the connection."""

ROWS_AT_ONCE = 2_000_000
"""Dates are scored together up to so many customers times dates: where customers are few, planning a statement takes
longer than running it; where they are many, memory is short."""

OF_CATEGORIES = ("spend_", "share_", "category_")
"""How the names of the features begin that the lines' categories decide."""


@dataclass(frozen=True)
class OrderLines:
    """The order lines under their common names, as `stg_seg__transactions` has them.

    relation: SQL text; has_categories: whether they have categories; period: of the grid that the dates lie on
    """

    relation: str
    has_categories: bool
    period: Period

    def by_day(self, warehouse: Warehouse) -> LinesByDay:
        """How many lines each day has."""
        rows = warehouse.rows(render_statement("lines_by_day", lines=self.relation))
        counts = {row["ordered_on"]: int(row["order_lines"]) for row in rows}
        days = sorted(counts)
        return LinesByDay(days, [0, *accumulate(counts[day] for day in days)])


@dataclass(frozen=True)
class LinesByDay:
    """How many order lines each day has.

    days: in order; before_days: how many lines lie before each of them, and in all
    """

    days: Sequence[date]
    before_days: Sequence[int]

    def before(self, day: date) -> int:
        """How many order lines lie before a day."""
        return self.before_days[bisect_left(self.days, day)]


@dataclass(frozen=True)
class PastFeatures:
    """A model's features on any date, from order lines."""

    warehouse: Warehouse
    lines: OrderLines
    model: SegmentModel

    def of_dates(self, dates: Sequence[date]) -> Iterator[tuple[Sequence[date], str]]:
        """Some of the dates with the features of all customers on them as a query, until no date is left.

        dates: of the grid, in order
        A query holds until the next one is asked for. As many dates come at once as make `ROWS_AT_ONCE` rows.
        """
        if not self.warehouse.has_transactions:
            for day in dates:
                yield [day], self._statement_of_all_lines(day)
            return
        self._read_lines(dates)
        last: date | None = None
        for batch in self._batches(dates):
            self._find_changes(list(zip([last, *batch], batch, strict=False)))
            yield (
                batch,
                self._statement(
                    "backfill_features",
                    dates=[str(day) for day in batch],
                    features=FEATURES if last else None,
                    changes=CHANGES,
                ),
            )
            self._keep_changes(is_first=last is None)
            last = batch[-1]

    def _statement_of_all_lines(self, day: date) -> str:
        return render(
            "seg_past_features",
            self.lines.relation,
            self._categories_matter,
            self._categories,
            str(day),
            self.warehouse.dialect,
        )

    def _read_lines(self, dates: Sequence[date]) -> None:
        """The order lines before the last date, as one row per order and one per customer, category and period."""
        read = {"lines": self.lines.relation, "until": str(dates[-1])}
        self._make(ORDERS, self._statement("backfill_orders", **read))
        if self._categories_matter:
            query = self._statement(
                "backfill_categories", first=str(dates[0]), period=self.lines.period, **read
            )
            self._make(CATEGORIES, query)

    def _batches(self, dates: Sequence[date]) -> Iterator[Sequence[date]]:
        (row,) = self.warehouse.rows(
            f"select count(distinct customer_id) as customers from {ORDERS}"
        )
        size = max(1, ROWS_AT_ONCE // max(1, row["customers"]))
        for start in range(0, len(dates), size):
            yield dates[start : start + size]

    def _find_changes(self, spans: Sequence[tuple[date | None, date]]) -> None:
        """The features of every customer with order lines between two dates, as of the later one."""
        texts = [(before and str(before), str(day)) for before, day in spans]
        self._make(PAIRS, self._statement("backfill_pairs", spans=texts, orders=ORDERS))
        query = self._statement(
            "backfill_changes",
            pairs=PAIRS,
            orders=ORDERS,
            spend=CATEGORIES,
            has_categories=self._categories_matter,
            categories=self._categories,
            last=texts[-1][1],
        )
        self._make(CHANGES, query)

    def _keep_changes(self, *, is_first: bool) -> None:
        """Bring `FEATURES` to the last change of each customer."""
        latest = (
            f"select * from {CHANGES} as changes where not exists (select 1 from {CHANGES} as later "
            "where later.customer_id = changes.customer_id and later.as_of_date > changes.as_of_date)"
        )
        if is_first:
            self._make(FEATURES, latest)
            return
        self.warehouse.execute(
            f"delete from {FEATURES} where customer_id in (select customer_id from {CHANGES})"
        )
        self.warehouse.execute(f"insert into {FEATURES} {latest}")

    def _make(self, table: str, query: str) -> None:
        self.warehouse.execute(f"drop table if exists {table}")
        self.warehouse.execute(f"create temporary table {table} as {query}")

    def _statement(self, name: str, **values: Any) -> str:
        return render_statement(
            name, columns=self.columns, dialect=self.warehouse.dialect, **values
        )

    @property
    def _categories(self) -> list[dict[str, str]]:
        return [c.model_dump() for c in self.model.categories] if self._categories_matter else []

    @property
    def _categories_matter(self) -> bool:
        return self.lines.has_categories and any(
            name.startswith(OF_CATEGORIES) for name in self.model.column_names
        )

    @property
    def columns(self) -> list[str]:
        """The names of the features that the queries give: those that order lines decide, and the model may need."""
        return past_columns(self.model.categories if self._categories_matter else ())
