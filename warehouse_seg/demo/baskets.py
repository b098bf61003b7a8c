"""What is in each order: lines with a product, a quantity and an amount in cents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.demo.assortment import Assortment
from warehouse_seg.demo.habits import Habits
from warehouse_seg.demo.orders import Orders
from warehouse_seg.demo.streams import random_stream

LINE_VALUE_SPREAD = 0.60
QUANTITIES = (1, 2, 3, 4, 6)
QUANTITY_SHARES = (0.62, 0.20, 0.08, 0.05, 0.05)
REDUCTIONS = (0.10, 0.20, 0.25, 0.50)
SAMPLE_SHARE = 0.016
"""Orders that get a free sample as one more line."""

FREE_ORDER_SHARE = 0.0003
"""Orders that cost nothing at all: a voucher, a replacement."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """One entry for each order line; order and product are positions among the orders and the products."""

    order: IntArray
    product: IntArray
    quantity: IntArray
    amount_cents: IntArray

    def taken(self, positions: IntArray) -> Lines:
        """The lines at these positions."""
        return Lines(
            order=self.order[positions],
            product=self.product[positions],
            quantity=self.quantity[positions],
            amount_cents=self.amount_cents[positions],
        )

    def followed_by(self, other: Lines) -> Lines:
        """These lines and then the others."""
        return Lines(
            order=np.concatenate([self.order, other.order]),
            product=np.concatenate([self.product, other.product]),
            quantity=np.concatenate([self.quantity, other.quantity]),
            amount_cents=np.concatenate([self.amount_cents, other.amount_cents]),
        )


def fill_baskets(habits: Habits, orders: Orders, assortment: Assortment, seed: int) -> Lines:
    """The lines of every order; together they cost nearly what the order is meant to be worth."""
    random = random_stream(seed, "baskets")
    line_count = 1 + random.poisson(habits.blended("lines_per_order")[orders.buyer] - 1)
    order = np.repeat(np.arange(orders.buyer.size), line_count)
    buyer = orders.buyer[order]
    wished_cents = 100 * _split(orders.value, order, line_count, random)
    category = _categories(habits.category_shares, buyer, random)
    price_factor = _price_factors(habits.blended("discount")[buyer], random)
    wished_quantity = random.choice(QUANTITIES, size=order.size, p=QUANTITY_SHARES)
    product = assortment.nearest_in_price(category, wished_cents / wished_quantity / price_factor)
    price = assortment.list_price_cents[product] * price_factor
    quantity = np.maximum(1, np.rint(wished_cents / price))
    paid = Lines(
        order=order,
        product=product,
        quantity=quantity.astype(np.int64),
        amount_cents=np.rint(quantity * price).astype(np.int64),
    )
    return _with_samples(_with_free_orders(paid, habits, orders, random), orders, random)


def _split(
    value: FloatArray, order: IntArray, line_count: IntArray, random: np.random.Generator
) -> FloatArray:
    """Each order's value over its lines, unevenly."""
    weight = np.exp(LINE_VALUE_SPREAD * random.standard_normal(order.size))
    total = np.add.reduceat(weight, np.cumsum(line_count) - line_count)
    part: FloatArray = value[order] * weight / total[order]
    return part


def _categories(shares: FloatArray, buyer: IntArray, random: np.random.Generator) -> IntArray:
    """A category for each line, by its buyer's shares."""
    reached = np.cumsum(shares, axis=1)
    mark = random.random(buyer.size)
    category = np.zeros(buyer.size, dtype=np.int64)
    # Column by column: lines × categories at once would be a hundred megabytes. The last category takes the rest.
    for column in range(shares.shape[1] - 1):
        category += mark >= reached[buyer, column]
    return category


def _price_factors(discount: FloatArray, random: np.random.Generator) -> FloatArray:
    reduction = random.choice(REDUCTIONS, size=discount.size)
    return np.where(random.random(discount.size) < discount, 1 - reduction, 1.0)


def _with_free_orders(
    lines: Lines, habits: Habits, orders: Orders, random: np.random.Generator
) -> Lines:
    is_free = random.random(orders.buyer.size) < FREE_ORDER_SHARE
    # Whoever buys once or twice pays: a customer who never paid anything would have no order value.
    is_free &= habits.order_count[orders.buyer] > 2
    amount_cents = np.where(is_free[lines.order], 0, lines.amount_cents)
    return Lines(lines.order, lines.product, lines.quantity, amount_cents)


def _with_samples(lines: Lines, orders: Orders, random: np.random.Generator) -> Lines:
    order = np.flatnonzero(random.random(orders.buyer.size) < SAMPLE_SHARE)
    samples = Lines(
        order=order,
        product=random.choice(lines.product, size=order.size),
        quantity=np.ones_like(order),
        amount_cents=np.zeros_like(order),
    )
    return lines.followed_by(samples)
