"""The customers as they were on an earlier day, read from the order lines without touching any table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from warehouse_seg.errors import UsageError
from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.model.feature import Category
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import (
    followed_features_query,
    past_columns,
    past_features_query,
)
from warehouse_seg.project.time_split import FollowedCustomers, TimeSplit, Unavailable
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Columns, Warehouse

OUTCOMES = ("next_order_count", "next_net_spend")

DEFAULT_WINDOW_DAYS = 90
MIN_WINDOW_DAYS = 7
MIN_CHOICE_WINDOW_DAYS = 30
"""Shorter windows are no ground to choose a model on."""

WINDOWS_OF_A_SPLIT = 3
"""A past, a window to fit on what followed it, and one to measure on."""

PARTS = 4
"""A window is a quarter of the history at most: the features need a past, and three earlier windows are looked at."""

MIN_CUSTOMERS = 500


@dataclass(frozen=True)
class HistoricalFeatures:
    """An order history that earlier days can be taken of.

    categories: those that have columns of their own
    as_of_date: of the features as they are now; window_days: the time from one day to the next
    """

    warehouse: Warehouse
    session: Session
    categories: tuple[Category, ...]
    as_of_date: date
    window_days: int

    def earlier_days(self) -> Iterator[str]:
        """One, two and three windows before now."""
        for number in range(1, PARTS):
            yield self._day(number)

    def columns_on(self, day: str, names: Sequence[str], size: int) -> Columns:
        """These raw features on that day, of at most so many customers."""
        query = past_features_query(self.warehouse, self.session, self.categories, day)
        return self._sampled(query, names, size)

    def time_split(self) -> TimeSplit | Unavailable:
        """The customers of two windows ago and of one, each with what they did in the window after; or why not."""
        first, second = (self._followed(number) for number in (2, 1))
        for customers in (first, second):
            if len(customers) < MIN_CUSTOMERS:
                return Unavailable(
                    f"{len(customers)} customers had ordered before {customers.as_of_date}, needed {MIN_CUSTOMERS}"
                )
        return TimeSplit(first, second)

    def _followed(self, number: int) -> FollowedCustomers:
        """The customers of so many windows ago."""
        day, until = self._day(number), self._day(number - 1)
        query = followed_features_query(self.warehouse, self.session, self.categories, day, until)
        names = [*past_columns(self.categories), *OUTCOMES]
        size = self.session.settings.model.sample_size
        return FollowedCustomers(day, self.window_days, self._sampled(query, names, size))

    def _day(self, number: int) -> str:
        return str(self.as_of_date - timedelta(days=number * self.window_days))

    def _sampled(self, query: str, names: Sequence[str], size: int) -> Columns:
        seed = self.session.settings.model.seed
        return self.warehouse.arrays(
            sample_sql(query, list(names), size, seed, self.warehouse.dialect)
        )


def historical_features(
    warehouse: Warehouse,
    session: Session,
    categories: tuple[Category, ...],
    features: Sequence[str] = (),
    window_days: int | None = None,
) -> HistoricalFeatures | Unavailable:
    """The history behind these features (names of columns), or why nothing can be said of earlier days.

    window_days: None for 90 days, or a quarter of the history where that is less
    Raises UsageError where the given window is longer than the history allows.
    """
    if session.settings.transactions is None:
        return Unavailable(
            "a ready feature_table shows one day only; earlier days need order lines (`transactions`)"
        )
    own = render("seg_rfm_features").split()
    foreign = [n for n in features if n not in own and not _is_of_category(n, categories)]
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
    window = window_days or _default_window(days)
    return HistoricalFeatures(warehouse, session, categories, as_of_date, window)


def choice_history(
    warehouse: Warehouse,
    session: Session,
    categories: tuple[Category, ...],
    features: Sequence[str] = (),
) -> TimeSplit | Unavailable:
    """The windows that a model is chosen and measured on, or why it cannot be chosen by what it predicts."""
    history = historical_features(warehouse, session, categories, features)
    if isinstance(history, Unavailable):
        return history
    if history.window_days < MIN_CHOICE_WINDOW_DAYS:
        return Unavailable(
            f"the order history is too short for {WINDOWS_OF_A_SPLIT} windows of {MIN_CHOICE_WINDOW_DAYS} days"
        )
    return history.time_split()


def _default_window(days: int) -> int:
    """Ninety days, a quarter of the history where that is less, but a month where three months are there."""
    quarter = min(DEFAULT_WINDOW_DAYS, days // PARTS)
    fits = days >= WINDOWS_OF_A_SPLIT * MIN_CHOICE_WINDOW_DAYS
    return max(quarter, MIN_CHOICE_WINDOW_DAYS) if fits else quarter


def _is_of_category(name: str, categories: Sequence[Category]) -> bool:
    suffixes = [category.column_suffix for category in categories]
    return any(name in (f"spend_{suffix}", f"share_{suffix}") for suffix in [*suffixes, "other"])
