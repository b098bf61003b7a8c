"""What goes wrong after a sale: things taken back, and lines loaded twice.

Three kinds of refund, as real shops book them:

    returned line    one negative line inside the order that it belongs to
    refunded order   every line once more with the opposite sign: the order is worth nothing
    cancellation     an order of its own, some days after the sale, with negative lines only

and a few customers of whom only such a cancellation is left, of a sale before the shop's first day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.demo.baskets import Lines
from warehouse_seg.demo.orders import Orders, seconds_of_day
from warehouse_seg.demo.season import DAY_COUNT
from warehouse_seg.demo.streams import random_stream

RETURNED_LINE_SHARE = 0.015
"""Of the orders with more than one paid line."""

# Shares of the orders of buyers with several orders, and of the orders of those with one: who has a single order, and
# that one refunded, has none.
REFUNDED_ORDER_SHARES = (0.008, 0.0015)
CANCELLED_ORDER_SHARES = (0.010, 0.0005)
WHOLLY_CANCELLED_SHARE = 0.4
"""Of the cancelled orders; of the others only the first line is cancelled."""

CANCELLED_WITHIN_DAYS = 20
ONLY_REFUND_SHARE = 0.0002
DUPLICATE_LINE_SHARE = 0.0004

KEPT, REFUNDED, CANCELLED, ONLY_REFUND = range(4)

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Booked:
    """Orders and lines with all refunds; `cancels`: for each order the position of the one it cancels, or -1."""

    orders: Orders
    lines: Lines
    cancels: IntArray


def book_refunds(sales: Orders, sold: Lines, customers: int, seed: int) -> Booked:
    """All sales, and what became of them."""
    random = random_stream(seed, "refunds")
    fate = _fates(sales, customers, random)
    sign = np.where(fate[sold.order] == ONLY_REFUND, -1, 1)
    sold = Lines(sold.order, sold.product, sold.quantity * sign, sold.amount_cents * sign)
    refunded = _negated(sold.taken(np.flatnonzero(fate[sold.order] == REFUNDED)))
    returned = _returned_lines(sold, fate, random)
    originals = np.flatnonzero(fate == CANCELLED)
    return Booked(
        orders=sales.followed_by(_cancellations(sales, originals, random)),
        lines=sold.followed_by(refunded)
        .followed_by(returned)
        .followed_by(_cancelled_lines(sold, originals, fate.size, random)),
        cancels=np.concatenate([np.full(fate.size, -1), originals]),
    )


def with_duplicates(line_count: int, seed: int) -> IntArray:
    """The positions of all lines and, at the end, of the few that were loaded twice."""
    random = random_stream(seed, "duplicates")
    twice = np.flatnonzero(random.random(line_count) < DUPLICATE_LINE_SHARE)
    return np.concatenate([np.arange(line_count), twice])


def _fates(sales: Orders, customers: int, random: np.random.Generator) -> IntArray:
    buys_once = np.bincount(sales.buyer)[sales.buyer] == 1
    refunded, cancelled = (
        np.where(buys_once, once, several)
        for several, once in (REFUNDED_ORDER_SHARES, CANCELLED_ORDER_SHARES)
    )
    mark = random.random(buys_once.size)
    fate = np.select([mark < refunded, mark < refunded + cancelled], [REFUNDED, CANCELLED], KEPT)
    # A cancellation comes on a later day, and the shop's days must not end before.
    fate[(fate == CANCELLED) & (sales.day == DAY_COUNT - 1)] = KEPT
    once = np.flatnonzero(buys_once & (sales.buyer < customers))
    few = max(1, round(ONLY_REFUND_SHARE * customers))
    fate[random.choice(once, size=few, replace=False)] = ONLY_REFUND
    return fate


def _returned_lines(sold: Lines, fate: IntArray, random: np.random.Generator) -> Lines:
    """One line of some orders taken back; an order of one line would be a refunded order."""
    paid = sold.amount_cents > 0
    paid_lines = np.bincount(sold.order[paid], minlength=fate.size)
    is_returned = (fate == KEPT) & (paid_lines > 1)
    is_returned &= random.random(fate.size) < RETURNED_LINE_SHARE
    candidates = random.permutation(np.flatnonzero(paid & is_returned[sold.order]))
    _, first_of_order = np.unique(sold.order[candidates], return_index=True)
    return _negated(sold.taken(candidates[first_of_order]))


def _cancellations(sales: Orders, originals: IntArray, random: np.random.Generator) -> Orders:
    delay = random.integers(1, CANCELLED_WITHIN_DAYS, size=originals.size, endpoint=True)
    return Orders(
        buyer=sales.buyer[originals],
        day=np.minimum(sales.day[originals] + delay, DAY_COUNT - 1),
        second=seconds_of_day(originals.size, random),
        value=-sales.value[originals],
    )


def _cancelled_lines(
    sold: Lines, originals: IntArray, order_count: int, random: np.random.Generator
) -> Lines:
    """The negative lines of the cancellations, which are numbered from `order_count` on."""
    cancellation = np.full(order_count, -1)
    cancellation[originals] = order_count + np.arange(originals.size)
    wholly = random.random(order_count) < WHOLLY_CANCELLED_SHARE
    is_first = np.zeros(sold.order.size, dtype=np.bool_)
    is_first[np.unique(sold.order, return_index=True)[1]] = True
    is_cancelled = (cancellation[sold.order] >= 0) & (wholly[sold.order] | is_first)
    lines = _negated(sold.taken(np.flatnonzero(is_cancelled)))
    return Lines(cancellation[lines.order], lines.product, lines.quantity, lines.amount_cents)


def _negated(lines: Lines) -> Lines:
    return Lines(lines.order, lines.product, -lines.quantity, -lines.amount_cents)
