"""Planted types of customers as orders in time: what they did before any day, and what they did after it.

Each type buys at random moments at a rate of its own (a Poisson process), in baskets of its own size. Given the type
nothing else tells the future, so that further segments predict nothing more: the planted number is the right one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.features.sample import Sample
from warehouse_seg.project.time_split import FollowedCustomers, TimeSplit

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

DAYS, JOINING, WINDOW = 900, 120, 90
"""Length of the history; all customers first buy in the days of joining; a window."""

SHARES = (0.4, 0.3, 0.2, 0.1)
ORDERS_PER_WINDOW = (0.3, 1.2, 5.0, 2.5)
MEDIAN_BASKET = (25.0, 60.0, 30.0, 300.0)
BASKET_SPREAD = 0.3


@dataclass(frozen=True)
class PlantedShop:
    """The customers as of the last day, two earlier days with what came after, and every customer's type (n,)."""

    sample: Sample
    time_split: TimeSplit
    types: Labels


def planted_orders(customers: int, seed: int) -> PlantedShop:
    """A shop whose every customer had ordered before the earliest of the days."""
    random = np.random.default_rng([seed, customers])
    types = random.choice(len(SHARES), size=customers, p=SHARES)
    joined = random.integers(JOINING, size=customers)
    later = random.poisson(np.array(ORDERS_PER_WINDOW)[types] / WINDOW * (DAYS - joined))
    owner = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), later)])
    moments = joined[owner] + (DAYS - joined[owner]) * random.random(len(owner))
    days = np.where(np.arange(len(owner)) < customers, joined[owner], moments).astype(int)
    amounts = np.array(MEDIAN_BASKET)[types[owner]] * random.lognormal(0, BASKET_SPREAD, len(owner))
    orders = _Orders(customers, owner, days, np.round(amounts, 2))
    today = orders.known_before(DAYS)
    splits = (
        FollowedCustomers(
            f"day {day}", WINDOW, orders.known_before(day) | orders.between(day, day + WINDOW)
        )
        for day in (DAYS - 2 * WINDOW, DAYS - WINDOW)
    )
    return PlantedShop(Sample(today, customers), TimeSplit(*splits), types)


@dataclass(frozen=True)
class _Orders:
    """All orders: whose, on which day, for how much."""

    customers: int
    owner: Labels
    days: NDArray[np.int64]
    amounts: Array

    def known_before(self, day: int) -> dict[str, Array]:
        """The features of every customer as of a day."""
        seen = self.days < day
        owner, days = self.owner[seen], self.days[seen]
        count = self._sum(seen, np.ones(len(self.days)))
        spend = self._sum(seen, self.amounts)
        last, first = np.zeros(self.customers), np.full(self.customers, float(day))
        np.maximum.at(last, owner, days)
        np.minimum.at(first, owner, days)
        return {
            "recency_days": day - last,
            "order_count": count,
            "net_spend": np.round(spend, 2),
            "average_order_value": spend / np.maximum(count, 1),
            "tenure_days": day - first,
        }

    def between(self, day: int, until: int) -> dict[str, Array]:
        """What every customer did in a window."""
        seen = (self.days >= day) & (self.days < until)
        return {
            "next_order_count": self._sum(seen, np.ones(len(self.days))),
            "next_net_spend": self._sum(seen, self.amounts),
        }

    def _sum(self, seen: NDArray[np.bool_], values: Array) -> Array:
        return np.bincount(self.owner[seen], values[seen], minlength=self.customers).astype(float)
