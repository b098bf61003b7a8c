"""The customers as they were on an earlier day, read from the order lines without touching any table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError
from warehouse_seg.features.preparation import prepare
from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.mixture import em
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import followed_features_query, past_features_query
from warehouse_seg.project.time_split import TimeSplit, Unavailable
from warehouse_seg.settings import FeatureChoice
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Columns, Warehouse

HISTORY = ("recency_days", "order_count", "net_spend")
OUTCOMES = ("next_order_count", "next_net_spend")

DEFAULT_WINDOW_DAYS = 90
MIN_WINDOW_DAYS = 7
PARTS = 4
"""A window is a quarter of the history at most: the features need a past, and three earlier windows are looked at."""

MIN_CUSTOMERS = 500


@dataclass(frozen=True)
class HistoricalFeatures:
    """An order history that earlier days can be taken of, for one model.

    as_of_date: of the features as they are now; window_days: the time from one day to the next
    """

    warehouse: Warehouse
    session: Session
    model: SegmentModel
    as_of_date: date
    window_days: int

    def earlier_days(self) -> Iterator[str]:
        """One, two and three windows before now."""
        for number in range(1, PARTS):
            yield self._day(number)

    def columns_on(self, day: str, size: int) -> Columns:
        """The raw features of the model on that day, of at most so many customers."""
        query = past_features_query(self.warehouse, self.session, self.model.categories, day)
        return self._sampled(query, self.model.column_names, size)

    def time_split(self) -> TimeSplit | Unavailable:
        """The customers of the day one window ago, and what they did since; or why they say nothing."""
        day, settings = self._day(1), self.session.settings.model
        query = followed_features_query(
            self.warehouse, self.session, self.model.categories, day, str(self.as_of_date)
        )
        names = [*dict.fromkeys([*self.model.column_names, *HISTORY]), *OUTCOMES]
        columns = self._sampled(query, names, settings.sample_size)
        count = len(columns["customer_id"])
        if count < MIN_CUSTOMERS:
            return Unavailable(
                f"{count} customers had ordered before {day}, needed {MIN_CUSTOMERS}"
            )
        choices = [
            FeatureChoice(name=name, transform=None if shares else f.transform)
            for f in self.model.features
            for shares in [f.reference is not None]
            for name in f.column_names
        ]
        try:
            prepared = prepare(columns, choices, named=False)
        except UsageError as error:
            return Unavailable(f"as of {day}: {error}")
        return TimeSplit(
            as_of_date=day,
            window_days=self.window_days,
            statistics=em.statistics_of(prepared),
            history=_beside(columns, HISTORY),
            spend=columns["next_net_spend"],
            bought=columns["next_order_count"] > 0,
        )

    def _day(self, number: int) -> str:
        return str(self.as_of_date - timedelta(days=number * self.window_days))

    def _sampled(self, query: str, names: list[str], size: int) -> Columns:
        seed = self.session.settings.model.seed
        return self.warehouse.arrays(sample_sql(query, names, size, seed, self.warehouse.dialect))


def historical_features(
    warehouse: Warehouse, session: Session, model: SegmentModel, window_days: int | None
) -> HistoricalFeatures | Unavailable:
    """The history behind a model, or why nothing can be said of earlier days.

    window_days: None for 90 days, or a quarter of the history where that is less
    Raises UsageError where the given window is longer than the history allows.
    """
    if session.settings.transactions is None:
        return Unavailable(
            "a ready feature_table shows one day only; earlier days need order lines (`transactions`)"
        )
    own = render("seg_rfm_features").split()
    foreign = [
        name for name in model.column_names if name not in own and not _is_of_category(name, model)
    ]
    if foreign:
        return Unavailable(
            f"{', '.join(foreign)}: the values that `extra_features` had on an earlier day are unknown"
        )
    rfm = f"select * from {session.manifest.relation('seg_customer_rfm')}"
    (span,) = warehouse.rows(questions.history_span(rfm, warehouse.dialect))
    as_of_date, days = span["as_of_date"], int(span["tenure_days"])
    longest = days // PARTS
    if window_days is not None and not MIN_WINDOW_DAYS <= window_days <= longest:
        raise UsageError(
            f"found --window-days {window_days}, needed {MIN_WINDOW_DAYS} to {longest}: the order history has {days} "
            f"days, and a window is at most a quarter of it"
        )
    if longest < MIN_WINDOW_DAYS:
        return Unavailable(
            f"the order history has {days} days; needed at least {PARTS * MIN_WINDOW_DAYS}"
        )
    window = window_days or min(DEFAULT_WINDOW_DAYS, longest)
    return HistoricalFeatures(warehouse, session, model, as_of_date, window)


def history_of(columns: Columns) -> NDArray[np.float64] | None:
    """Recency, order count and net spend (n, 3); None where the features have no order history."""
    return _beside(columns, HISTORY) if set(HISTORY) <= set(columns) else None


def _beside(columns: Columns, names: tuple[str, ...]) -> NDArray[np.float64]:
    return np.column_stack([columns[name].astype(float) for name in names])


def _is_of_category(name: str, model: SegmentModel) -> bool:
    suffixes = [category.column_suffix for category in model.categories]
    return any(name in (f"spend_{suffix}", f"share_{suffix}") for suffix in [*suffixes, "other"])
