"""The customers of earlier days beside what they did afterwards: what a prediction is measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.warehouse.connection import Columns

Array = NDArray[np.float64]

HISTORY = ("recency_days", "order_count", "net_spend")


@dataclass(frozen=True)
class FollowedCustomers:
    """The customers of a day, as they were known then, and what they did in the days after it.

    columns: raw features of the day (n,), and next_order_count and next_net_spend, of the window after it
    """

    as_of_date: str
    window_days: int
    columns: Columns

    def __len__(self) -> int:
        """How many customers."""
        return len(self.columns["next_order_count"])

    @property
    def history(self) -> Array:
        """Recency, order count and net spend (n, 3)."""
        return beside(self.columns, HISTORY)

    @property
    def next_orders(self) -> Array:
        """Orders in the window (n,)."""
        return self.columns["next_order_count"].astype(float)

    @property
    def next_spend(self) -> Array:
        """Net spend in the window (n,)."""
        return self.columns["next_net_spend"].astype(float)

    @property
    def median_order_value(self) -> float:
        """Of the customers who had ordered for money before the day; 1 where nobody had."""
        values = self.columns["average_order_value"].astype(float)
        paid = values[values > 0]
        return float(np.median(paid)) if len(paid) else 1.0


@dataclass(frozen=True)
class TimeSplit:
    """Two windows in a row: what is fitted on the first is frozen, and measured on the second, which it never saw.

    first: the customers of two windows ago; second: those of one window ago
    """

    first: FollowedCustomers
    second: FollowedCustomers


@dataclass(frozen=True)
class Unavailable:
    """Why nothing can be said of an earlier day."""

    reason: str


def history_of(columns: Columns) -> Array | None:
    """Recency, order count and net spend (n, 3); None where the features have no order history."""
    return beside(columns, HISTORY) if set(HISTORY) <= set(columns) else None


def beside(columns: Columns, names: tuple[str, ...]) -> Array:
    """These columns as one array, (n, names)."""
    return np.column_stack([columns[name].astype(float) for name in names])
