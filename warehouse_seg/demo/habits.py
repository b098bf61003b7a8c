"""What each buyer is like, before a single order is drawn.

A customer has a planted type. About one in ten is a *blend*: most habits of that type, the rest of a second one.
Everything here is a habit (a median, a spread, a preference); the orders carry the habits out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.demo.customer_types import CATEGORIES, CUSTOMER_TYPES
from warehouse_seg.demo.streams import random_stream

BLEND_SHARE = 0.10
SECOND_SHARE_RANGE = (0.15, 0.50)
TASTE_SPREAD = 0.35
BASKET_BY_EAGERNESS = 0.35
RECENCY_BY_EAGERNESS = -0.30
"""Within a type, whoever orders more often has ordered more lately and fills larger baskets: correlations of logs."""

RARE_FREQUENCY = 0.15
"""A category that a type's card leaves out is still bought now and then."""

GUEST_TYPES = ("occasional gift buyers", "one-time bargain hunters")
"""Who leaves no account: gift buyers in a hurry, and people after one offer."""

NO_TYPE = -1
TYPE_INDEX = {customer_type.name: index for index, customer_type in enumerate(CUSTOMER_TYPES)}

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Types:
    """The planted type of each buyer; `NO_TYPE` and a share of 0 where there is no second one."""

    first: IntArray
    second: IntArray
    second_share: FloatArray

    def blend(self, values: FloatArray) -> FloatArray:
        """One row per type (T, …) → one row per buyer (n, …), blends between their two types."""
        share = self.second_share.reshape((-1,) + (1,) * (values.ndim - 1))
        return (1 - share) * values[self.first] + share * values[self.second]


@dataclass(frozen=True)
class Habits:
    """One entry for each buyer: the customers first, the guests after them.

    log_recency, recency_spread: of the days from the last order to the end, before the season has its say
    category_shares: (buyers, categories), each row sums to 1
    """

    customer_count: int
    types: Types
    order_count: IntArray
    log_recency: FloatArray
    recency_spread: FloatArray
    log_basket_value: FloatArray
    category_shares: FloatArray

    @property
    def type_index(self) -> IntArray:
        """The position of each buyer's (first) type in `CUSTOMER_TYPES`."""
        return self.types.first

    def blended(self, field: str) -> FloatArray:
        """One number of the types' cards for each buyer, blends between their two types."""
        return self.types.blend(card_values(field))


def card_values(field: str) -> FloatArray:
    """One number of every type's card, in the order of `CUSTOMER_TYPES`."""
    return np.array(
        [getattr(customer_type, field) for customer_type in CUSTOMER_TYPES], dtype=np.float64
    )


def draw_habits(customers: int, guests: int, seed: int) -> Habits:
    """The habits of so many customers and guests; a small shop has the same mix of types as a large one."""
    random = random_stream(seed, "habits")
    types = _draw_types(customers, guests, random)
    eagerness = random.standard_normal(types.first.size)
    recency_spread = types.blend(card_values("recency_spread"))
    return Habits(
        customer_count=customers,
        types=types,
        order_count=_order_counts(types, eagerness, customers),
        log_recency=_log_median("recency_days", types)
        + RECENCY_BY_EAGERNESS * recency_spread * eagerness,
        recency_spread=math.sqrt(1 - RECENCY_BY_EAGERNESS**2) * recency_spread,
        log_basket_value=_log_basket_values(types, eagerness, random),
        category_shares=_category_shares(types, random),
    )


def _log_median(field: str, types: Types) -> FloatArray:
    return types.blend(np.log(card_values(field)))


def _order_counts(types: Types, eagerness: FloatArray, customers: int) -> IntArray:
    spread = types.blend(card_values("order_count_spread"))
    orders = np.rint(np.exp(_log_median("order_count", types) + spread * eagerness))
    orders[customers:] = 1  # a guest who comes back is another guest
    return np.maximum(1, orders).astype(np.int64)


def _log_basket_values(
    types: Types, eagerness: FloatArray, random: np.random.Generator
) -> FloatArray:
    own = random.standard_normal(eagerness.size)
    deviation = BASKET_BY_EAGERNESS * eagerness + math.sqrt(1 - BASKET_BY_EAGERNESS**2) * own
    spread = types.blend(card_values("basket_value_spread"))
    return _log_median("basket_value", types) + spread * deviation


def _draw_types(customers: int, guests: int, random: np.random.Generator) -> Types:
    guest_types = np.array([TYPE_INDEX[name] for name in GUEST_TYPES])
    first = np.concatenate(
        [_in_proportion(customers, random), random.choice(guest_types, size=guests)]
    )
    is_blend = random.random(first.size) < BLEND_SHARE
    is_blend[customers:] = False
    neighbours = [
        [TYPE_INDEX[name] for name in customer_type.leans_to] for customer_type in CUSTOMER_TYPES
    ]
    second = np.full(first.size, NO_TYPE)
    for index, near in enumerate(neighbours):
        members = np.flatnonzero(is_blend & (first == index))
        second[members] = random.choice(near, size=members.size)
    share = random.uniform(*SECOND_SHARE_RANGE, size=first.size)
    return Types(first=first, second=second, second_share=np.where(is_blend, share, 0.0))


def _in_proportion(customers: int, random: np.random.Generator) -> IntArray:
    """A type for each customer, by largest remainder and shuffled."""
    exact = card_values("share_of_customers") * customers
    counts = np.floor(exact).astype(np.int64)
    missing = customers - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return random.permutation(np.repeat(np.arange(counts.size), counts))


def _category_shares(types: Types, random: np.random.Generator) -> FloatArray:
    frequency = np.array(
        [
            [customer_type.basket.get(category, RARE_FREQUENCY) for category in CATEGORIES]
            for customer_type in CUSTOMER_TYPES
        ]
    )
    share = types.blend(frequency / frequency.sum(axis=1, keepdims=True))
    tasted = share * np.exp(TASTE_SPREAD * random.standard_normal(share.shape))
    own: FloatArray = tasted / tasted.sum(axis=1, keepdims=True)
    return own
