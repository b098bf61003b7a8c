"""What to do about a segment: rules of thumb over its typical customer, the first that fits.

They are starting points for a person, not measured effects, and each suggestion carries its reason. A segment without
an order history gets no suggestion. A feature of the model is judged as the segment's name judges it, so that a name
and a suggestion never contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from warehouse_seg.segments.traits import Trait, bought_once

LOW, HIGH = 75, 125
"""An index (100 times the segment's mean over that of all customers) from which on a segment differs."""

ONE_CATEGORY = 1.5
"""Typical number of categories below which most customers of a segment buy in one."""

MOST_CATEGORIES = 0.5
"""Share of the categories with columns of their own from which on there is little left to show."""

CATEGORY_COUNT = "category_count"

BASIS = ("recency_days", "order_count", "average_order_value", "net_spend")


@dataclass(frozen=True)
class Measure:
    """What the rules see of a feature.

    typical: the segment's value in the feature's own unit
    is_high, is_low: distinctly so; is_below: at all below the average customer
    is_mean: the value is a mean, which few customers can make
    """

    typical: float
    is_high: bool
    is_low: bool
    is_below: bool
    is_mean: bool

    @classmethod
    def of_trait(cls, trait: Trait) -> Self:
        """Of a feature of the model: what the segment's name goes by."""
        return cls(trait.typical, trait.is_high, trait.is_low, trait.z < 0, is_mean=False)

    @classmethod
    def of_mean(cls, mean: float, index: float) -> Self:
        """Of another measure: its mean, and the index of the means. NaN is near the average."""
        return cls(mean, index >= HIGH, index <= LOW, index < 100, is_mean=True)


@dataclass(frozen=True)
class Behaviour:
    """What the rules look at; each word means the same in all of them.

    categories: how many a customer buys in, None where that is not measured
    of_categories: how many there are
    """

    recency: Measure
    orders: Measure
    basket: Measure
    spend: Measure
    categories: Measure | None
    of_categories: int

    @property
    def lapsed(self) -> bool:
        """Away for longer than the average customer."""
        return self.recency.is_high

    @property
    def recent(self) -> bool:
        """Here more lately than the average customer."""
        return self.recency.is_low

    @property
    def bought_once(self) -> bool:
        """Most have placed one order."""
        return bought_once(self.orders.typical, is_frequent=self.orders.is_high)

    @property
    def frequent(self) -> bool:
        """More orders than the average customer."""
        return self.orders.is_high

    @property
    def large_baskets(self) -> bool:
        """More money an order than the average customer."""
        return self.basket.is_high

    @property
    def valuable(self) -> bool:
        """More money in all than the average customer."""
        return self.spend.is_high

    @property
    def one_category(self) -> bool:
        """Most buy in one of several categories."""
        return self._buys_below(ONE_CATEGORY)

    @property
    def some_categories(self) -> bool:
        """They buy in fewer than half of the categories."""
        return self._buys_below(MOST_CATEGORIES * self.of_categories)

    def _buys_below(self, count: float) -> bool:
        several = self.of_categories > 1
        return several and self.categories is not None and self.categories.typical < count


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
        lambda segment: segment.frequent and segment.basket.is_below,
        "Raise the basket, not the frequency: bundles, larger packs, a threshold for free delivery.",
    ),
    Rule(
        "frequent, valuable",
        lambda segment: segment.frequent and segment.valuable,
        "Keep: service and early access before discounts. Notice the first order that fails to come.",
    ),
    Rule(
        "valuable by large baskets",
        lambda segment: segment.valuable and segment.large_baskets,
        "Shorten the gap between their large orders: a reminder between two of them, news of what they buy.",
    ),
    Rule(
        "valuable by few customers, the typical one is not",
        lambda segment: segment.valuable and segment.spend.is_mean,
        "Find the few large customers who bring the money, and look after each of them; the rest are another group.",
    ),
    Rule(
        "valuable by orders and baskets together",
        lambda segment: segment.valuable,
        "Keep: service and early access before discounts.",
    ),
    Rule(
        "recent, more than one order, one category",
        lambda segment: segment.recent and segment.one_category,
        "Build the habit: show a second category while they are here.",
    ),
    Rule(
        "recent, more than one order, fewer than half of the categories",
        lambda segment: segment.recent and segment.some_categories,
        "Build the habit: show a category that they have not bought yet while they are here.",
    ),
    Rule(
        "recent, more than one order, none of the above",
        lambda segment: segment.recent,
        "Build the habit: a reason for the next order soon after the last, out of what they buy already.",
    ),
)


@dataclass(frozen=True)
class Suggestion:
    """What to do, None where no rule fits, and why."""

    action: str | None
    reason: str


def suggestion(measures: Mapping[str, Measure], of_categories: int) -> Suggestion:
    """The first rule that fits a segment.

    measures: feature → what the rules see of it; those of the order history decide
    of_categories: how many categories have columns of their own
    """
    if any(name not in measures for name in BASIS):
        return Suggestion(None, "no order history")
    recency, orders, basket, spend = (measures[name] for name in BASIS)
    categories = measures.get(CATEGORY_COUNT)
    segment = Behaviour(recency, orders, basket, spend, categories, of_categories)
    rule = next((rule for rule in RULES if rule.applies(segment)), None)
    if rule is None:
        return Suggestion(None, "near the average customer")
    return Suggestion(rule.action, rule.when)
