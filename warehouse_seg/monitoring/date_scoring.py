"""Scores the customers of many dates into the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.monitoring.history_table import Basis, HistoryTable
from warehouse_seg.monitoring.past_features import OrderLines, PastFeatures
from warehouse_seg.registry.relations import now
from warehouse_seg.sql.rendering import render


@dataclass(frozen=True)
class DateScoring:
    """What is the same for all dates.

    missing_limit: in so many combinations features may be missing, `model.missing_patterns`
    """

    table: HistoryTable
    lines: OrderLines
    missing_limit: int

    def score(
        self,
        model: SegmentModel,
        dates: Sequence[date],
        basis: Basis,
        done: Callable[[Sequence[date]], None],
    ) -> None:
        """Write the rows of the dates, each whole or not at all.

        dates: of the grid, in order; done: called with those that have been written
        Raises UsageError where features are missing in too many combinations.
        """
        warehouse = self.table.warehouse
        by_day = self.lines.by_day(warehouse)
        self.table.add_segments([segment.segment_key for segment in model.components])
        for batch, features in PastFeatures(warehouse, self.lines, model).of_dates(dates):
            order_lines = {str(day): by_day.before(day) for day in batch}
            self.table.write(batch, basis, self._rows(model, features, basis, order_lines))
            done(batch)

    def _rows(
        self, model: SegmentModel, features: str, basis: Basis, order_lines: Mapping[str, int]
    ) -> str:
        warehouse = self.table.warehouse
        patterns = missing_patterns(warehouse, model.features, features, self.missing_limit)
        scores = model.score_sql(f"({features}) as features", warehouse.dialect, patterns=patterns)
        return render(
            "seg_membership_rows",
            model.to_macro()["components"],
            f"({scores}) as scores",
            self.table.segment_keys(),
            order_lines,
            now().replace("T", " "),
            basis,
            warehouse.dialect,
        )
