"""When each buyer orders: the last day first, then the days before it.

The last day comes from the buyer's recency, the first from the usual days between orders; both prefer busy days.
The orders between them fall on the days that the season makes busy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.demo.customer_types import CUSTOMER_TYPES
from warehouse_seg.demo.habits import Habits, card_values
from warehouse_seg.demo.season import DAY_COUNT, day_weights, ordinary_weights
from warehouse_seg.demo.streams import random_stream

PROPOSALS = 8
"""So many days are proposed by a buyer's habit; one is taken, busy days more often."""

SPAN_SPREAD = 0.45
EARLIEST_START = (0.80, 1.0)
"""Whoever has shopped since before the shop's first day starts in the first fifth of the days up to the last order."""

ORDER_VALUE_SPREAD = 0.30

# One order in five hundred is a bulk purchase: Pareto with an infinite variance, hence the cap.
BULK_SHARE = 0.002
BULK_TAIL = 1.5
BULK_SMALLEST_FACTOR = 2.0
BULK_LARGEST_FACTOR = 60.0

# Midnight to 23 o'clock.
HOUR_WEIGHTS = (1, 1, 0, 0, 0, 1, 2, 4, 6, 7, 8, 8, 8, 7, 6, 6, 7, 8, 10, 13, 15, 13, 8, 3)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Orders:
    """One entry for each order, the orders of one buyer together and oldest first.

    buyer: position among the buyers; day: 0 is the shop's first; second: of the day; value: euros that the basket
    is meant to be worth
    """

    buyer: IntArray
    day: IntArray
    second: IntArray
    value: FloatArray

    def followed_by(self, other: Orders) -> Orders:
        """These orders and then the others."""
        return Orders(
            buyer=np.concatenate([self.buyer, other.buyer]),
            day=np.concatenate([self.day, other.day]),
            second=np.concatenate([self.second, other.second]),
            value=np.concatenate([self.value, other.value]),
        )


def draw_orders(habits: Habits, seed: int) -> Orders:
    """Every sale to every buyer: its day, its time of day and what it is meant to be worth."""
    random = random_stream(seed, "orders")
    buyer = np.repeat(np.arange(habits.order_count.size), habits.order_count)
    day = _order_days(habits, buyer, random)
    # The mean of the factors is 1, so that a buyer's average order comes near the buyer's habit.
    noise = random.normal(-0.5 * ORDER_VALUE_SPREAD**2, ORDER_VALUE_SPREAD, size=buyer.size)
    value = np.exp(habits.log_basket_value[buyer] + noise) * _bulk_factors(buyer.size, random)
    return Orders(buyer=buyer, day=day, second=seconds_of_day(buyer.size, random), value=value)


def seconds_of_day(count: int, random: np.random.Generator) -> IntArray:
    """Times of day in seconds: quiet at night, busiest at eight in the evening."""
    hours = np.array(HOUR_WEIGHTS, dtype=np.float64)
    hour = random.choice(hours.size, size=count, p=hours / hours.sum())
    return hour * 3600 + random.integers(3600, size=count)


def _order_days(habits: Habits, buyer: IntArray, random: np.random.Generator) -> IntArray:
    weights = day_weights(card_values("gift_pull"))
    last = _last_days(habits, random)
    first = _first_days(habits, last, weights, random)
    day = _days_between(first[buyer], last[buyer], habits.type_index[buyer], weights, random)
    ends = np.cumsum(habits.order_count) - 1
    day[ends - habits.order_count + 1] = first
    day[ends] = last  # after the first: a single order falls on the last day
    return day[np.lexsort((day, buyer))]


def _last_days(habits: Habits, random: np.random.Generator) -> IntArray:
    noise = random.standard_normal((habits.log_recency.size, PROPOSALS))
    recency_days = np.exp(
        habits.log_recency[:, np.newaxis] + habits.recency_spread[:, np.newaxis] * noise
    )
    proposals = DAY_COUNT - np.maximum(1, np.rint(recency_days)).astype(np.int64)
    # The season is felt, but softly (its square root, no gift season): every buyer's last order on the same few
    # December days would be a segment of its own, and no planted one.
    busyness = np.sqrt(ordinary_weights())[np.maximum(proposals, 0)]
    last = _taken(proposals, busyness, random)
    # The latest customer buys on the last day: the day after it is the as-of date, however small the shop.
    last[np.argmax(last[: habits.customer_count])] = DAY_COUNT - 1
    return last


def _first_days(
    habits: Habits, last: IntArray, weights: FloatArray, random: np.random.Generator
) -> IntArray:
    usual_span = habits.blended("days_between_orders") * (habits.order_count - 1)
    noise = random.normal(0, SPAN_SPREAD, size=(last.size, PROPOSALS))
    span = usual_span[:, np.newaxis] * np.exp(noise)
    longest = last[:, np.newaxis] * random.uniform(*EARLIEST_START, size=noise.shape)
    proposals = last[:, np.newaxis] - np.rint(np.minimum(span, longest)).astype(np.int64)
    return _taken(proposals, weights[habits.type_index[:, np.newaxis], proposals], random)


def _taken(proposals: IntArray, busyness: FloatArray, random: np.random.Generator) -> IntArray:
    """One of each row's proposed days (n, proposals), in proportion to its busyness.

    A day before the shop's first is taken only where nothing else is proposed, and becomes the first.
    """
    weight = np.where(proposals >= 0, busyness, 1e-12)
    cumulative = np.cumsum(weight, axis=1)
    mark = random.random(len(proposals)) * cumulative[:, -1]
    column = np.minimum((cumulative < mark[:, np.newaxis]).sum(axis=1), PROPOSALS - 1)
    taken: IntArray = proposals[np.arange(len(proposals)), column]
    return np.maximum(taken, 0)


def _days_between(
    first: IntArray,
    last: IntArray,
    types: IntArray,
    weights: FloatArray,
    random: np.random.Generator,
) -> IntArray:
    """A day between first and last for each order, by the inverse of the season's distribution."""
    uniform = random.random(first.size)
    day = np.empty(first.size, dtype=np.int64)
    for index in range(len(CUSTOMER_TYPES)):
        members = np.flatnonzero(types == index)
        reached = np.concatenate([[0.0], np.cumsum(weights[index])])
        low, high = reached[first[members]], reached[last[members] + 1]
        mark = low + uniform[members] * (high - low)
        day[members] = np.searchsorted(reached, mark, side="right") - 1
    # A mark that rounding puts on an end of its range would fall one day outside.
    return np.minimum(np.maximum(day, first), last)


def _bulk_factors(count: int, random: np.random.Generator) -> FloatArray:
    is_bulk = random.random(count) < BULK_SHARE
    factor = BULK_SMALLEST_FACTOR * (1 + random.pareto(BULK_TAIL, size=count))
    return np.where(is_bulk, np.minimum(factor, BULK_LARGEST_FACTOR), 1.0)
