"""What to do about a segment: rules of thumb over its averages, the first that fits.

They are starting points for a person, not measured effects, and each suggestion carries its reason. A segment without
an order history gets no suggestion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

LOW, HIGH = 75, 125
"""An index (100 times the segment's mean over that of all customers) from which on a segment differs."""

ONE_ORDER = 1.5

BASIS = ("recency_days", "order_count", "average_order_value", "net_spend")


@dataclass(frozen=True)
class Measure:
    """A segment's mean of a feature, in its own unit, and its index against all customers (100 is average)."""

    mean: float
    index: float


@dataclass(frozen=True)
class Behaviour:
    """What the rules look at; each word means the same in all of them."""

    recency: Measure
    orders: Measure
    basket: Measure
    spend: Measure

    @property
    def lapsed(self) -> bool:
        """Away for longer than the average customer."""
        return self.recency.index >= HIGH

    @property
    def recent(self) -> bool:
        """Here more lately than the average customer."""
        return self.recency.index <= LOW

    @property
    def bought_once(self) -> bool:
        """Most have placed one order."""
        return self.orders.mean < ONE_ORDER

    @property
    def frequent(self) -> bool:
        """More orders than the average customer."""
        return self.orders.index >= HIGH

    @property
    def large_baskets(self) -> bool:
        """More money an order than the average customer."""
        return self.basket.index >= HIGH

    @property
    def valuable(self) -> bool:
        """More money in all than the average customer."""
        return self.spend.index >= HIGH


@dataclass(frozen=True)
class Rule:
    """A suggestion and the segments that it is for; `when` and `action` stand so in docs/guides/segments.md."""

    when: str
    applies: Callable[[Behaviour], bool]
    action: str


RULES = (
    Rule(
        "lapsed, bought once",
        lambda segment: segment.lapsed and segment.bought_once,
        "Spend little: one cheap reminder, then nothing that costs money.",
    ),
    Rule(
        "lapsed, bought more than once",
        lambda segment: segment.lapsed,
        "Win back: they knew the shop well enough to return. A personal reason to come again, once or twice, and a "
        "question why they stopped.",
    ),
    Rule(
        "bought once, large basket",
        lambda segment: segment.bought_once and segment.large_baskets,
        "Find the occasion of that one order (a gift, a season) and write before it comes again.",
    ),
    Rule(
        "bought once",
        lambda segment: segment.bought_once,
        "Win the second order: a welcome series in the weeks after the first.",
    ),
    Rule(
        "frequent, baskets below average",
        lambda segment: segment.frequent and segment.basket.index < 100,
        "Raise the basket, not the frequency: bundles, larger packs, a threshold for free delivery.",
    ),
    Rule(
        "frequent, valuable",
        lambda segment: segment.frequent and segment.valuable,
        "Keep: service and early access before discounts. Notice the first order that fails to come.",
    ),
    Rule(
        "valuable by large baskets",
        lambda segment: segment.valuable,
        "Shorten the gap between their large orders: a reminder between two of them, news of what they buy.",
    ),
    Rule(
        "recent, more than one order, none of the above",
        lambda segment: segment.recent,
        "Build the habit: show a second category while they are here.",
    ),
)


@dataclass(frozen=True)
class Suggestion:
    """What to do, None where no rule fits, and why."""

    action: str | None
    reason: str


def suggestion(measures: Mapping[str, Measure]) -> Suggestion:
    """The first rule that fits a segment.

    measures: feature → mean and index; those of the order history decide
    """
    if any(name not in measures for name in BASIS):
        return Suggestion(None, "no order history")
    segment = Behaviour(*(measures[name] for name in BASIS))
    rule = next((rule for rule in RULES if rule.applies(segment)), None)
    if rule is None:
        return Suggestion(None, "near the average customer")
    return Suggestion(rule.action, rule.when)
