"""What sets a segment apart: its distance from the average customer, feature by feature.

A component's mean is most of the answer: in standardised units it says how many population standard deviations the
segment lies from the average customer, and turned back into the raw unit it is the segment's typical customer. The
categories that it buys are no features of most models: their shares are means over the customers that the model was
fitted on, in the same units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature, is_miscellaneous
from warehouse_seg.model.gaussian import memberships_of
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.vocabulary import (
    GRADED_WORDS,
    KNOWN_WORDS,
    OF_THEIR_MONEY,
    RATIO_WORDS,
    Words,
    readable_number,
    words_of_column,
)

Array = NDArray[np.float64]

RATHER, DISTINCT, VERY = 0.15, 0.4, 1.5
"""Standard deviations from the average customer: below the second nobody would call a segment special."""

ONE_ORDER = 1.5
"""Typical number of orders below which most customers of a segment have placed one."""

MIN_NAMED_SHARE = 0.2
"""No segment is called after what less than a fifth of its money goes to, however little others spend on it."""

OTHER_CATEGORIES = "other categories"
"""All that have no columns of their own, together."""

MIN_SHARE_DEVIATION = 1e-9
"""Standard deviation of a share that is the same for every customer: its differences are rounding."""


@dataclass(frozen=True)
class Trait:
    """One feature of one segment.

    z: standard deviations from the average customer; typical: the segment's typical value in the raw unit
    category: whose spend this is, in words; None for behaviour
    reference: of a ratio of shares, the share that it is divided by; None for a plain feature
    """

    feature: str
    z: float
    typical: float
    category: str | None = None
    reference: str | None = None

    @property
    def words(self) -> Words:
        """How this feature is put into words."""
        if self.reference:
            return self._words_of_ratio(self.reference)
        if self.feature in KNOWN_WORDS:
            return KNOWN_WORDS[self.feature]
        name = words_of_column(self.feature)
        if self.category:
            verb = "spend" if self.feature.startswith("share_") else "spent"
            phrase = f"{{value}} on {self.category}"
            return Words(f"little {self.category}", self.category, verb, phrase)
        return Words(f"low {name}", f"high {name}", "have", f"{name} of {{value}}")

    def _words_of_ratio(self, reference: str) -> Words:
        if (self.feature, reference) in RATIO_WORDS:
            return RATIO_WORDS[self.feature, reference]
        if self.category:
            other = reference.removeprefix("share_").replace("_", " ")
            phrase = f"{{value}} times as much on {self.category} as on {other}"
            return Words(f"little {self.category}", self.category, "spend", phrase)
        name = words_of_column(self.feature)
        phrase = f"{{value}} times as much {name} as {words_of_column(reference)}"
        return Words(f"little {name}", f"much {name}", "have", phrase)

    @property
    def is_miscellaneous(self) -> bool:
        """Whether it tells of what is in no category: no name speaks of that."""
        return self.category is not None and (
            self.category == OTHER_CATEGORIES or is_miscellaneous(self.category)
        )

    @property
    def is_share(self) -> bool:
        """Whether the typical value is a part of a customer's money."""
        return self.feature.startswith("share_") and not self.reference

    @property
    def is_distinct(self) -> bool:
        """Whether a name may use it. Most segments lack some category, and a small share describes nobody."""
        if self.category and self.z < 0:
            return False
        large_enough = not self.is_share or self.typical >= MIN_NAMED_SHARE
        return abs(self.z) >= DISTINCT and large_enough

    @property
    def is_high(self) -> bool:
        """Distinctly above the average customer."""
        return self.z >= DISTINCT

    @property
    def is_low(self) -> bool:
        """Distinctly below the average customer."""
        return self.z <= -DISTINCT

    @property
    def adjective(self) -> str:
        """The feature's part of a name."""
        if self.feature == "order_count" and bought_once(self.typical, is_frequent=self.is_high):
            return "one-time"
        return self.words.high if self.z > 0 else self.words.low

    @property
    def graded_adjective(self) -> str | None:
        """The adjective with "very" or "rather" by its distance; None near the average customer."""
        if abs(self.z) < RATHER:
            return None
        if abs(self.z) < DISTINCT:
            return self.with_grade("rather")
        return self.with_grade("very") if abs(self.z) >= VERY else self.adjective

    def with_grade(self, grade: str) -> str:
        """The adjective with "very" or "rather" before it."""
        if self.category:
            amount = {"very": "much", "rather": "some"}[grade]
            return f"{amount} {self.category}" if self.z > 0 else f"{grade} {self.adjective}"
        plain = f"{grade} {self.adjective}"
        return GRADED_WORDS.get(plain, plain)

    @property
    def clause(self) -> str:
        """The feature's part of a sentence, after its verb."""
        # Nobody places 1.1 orders: a few days or orders are rounded to halves.
        by_halves = self.words.unit[0] and self.typical < 10
        value = readable_number(round(2 * self.typical) / 2 if by_halves else self.typical)
        if (self.feature, self.reference) in RATIO_WORDS:
            value = f"{100 * self.typical:z.0f} %"
        elif self.is_share:
            value = f"{100 * self.typical:z.0f} %{OF_THEIR_MONEY}"
        elif self.category and value == "0":
            value = "nothing"
        return self.words.clause(value)


def traits(model: SegmentModel, component: Component) -> list[Trait]:
    """Every feature of a segment, the most distinctive first."""
    return by_distance(
        Trait(
            feature.feature,
            mean,
            typical_value(feature, mean),
            category_in_words(model, feature.feature),
            feature.reference,
        )
        for feature, mean in zip(model.features, component.mean, strict=True)
    )


def category_traits(
    model: SegmentModel, columns: Mapping[str, Array], weights: Array | None = None
) -> list[list[Trait]]:
    """For every segment, the share of their money that its customers spend on each category that is no feature.

    columns: raw columns (n,) of the customers that the model was fitted on; categories without a column are left out
    weights (n,): how many customers each row stands for; None where each is itself
    """
    categories = [category for category in model.categories if not category.is_miscellaneous]
    names = [f"share_{category.column_suffix}" for category in categories]
    shares_known = [name for name in names if name in columns and name not in model.feature_names]
    result: list[list[Trait]] = [[] for _ in model.components]
    if not shares_known:
        return result
    memberships = memberships_of(model.log_joint(columns))
    if weights is not None:
        memberships = memberships * weights[:, None]
    for name in shares_known:
        shares = np.nan_to_num(columns[name])
        overall = np.average(shares, weights=weights)
        deviation = np.sqrt(np.average((shares - overall) ** 2, weights=weights))
        means = memberships.T @ shares / memberships.sum(axis=0)
        for segment_traits, mean in zip(result, means, strict=True):
            z = (mean - overall) / max(deviation, MIN_SHARE_DEVIATION)
            segment_traits.append(
                Trait(name, float(z), float(mean), category_in_words(model, name))
            )
    return result


def bought_once(orders: float, *, is_frequent: bool) -> bool:
    """Whether a segment is one of one-time buyers, for its name and for what is suggested."""
    return orders < ONE_ORDER and not is_frequent


def by_distance(segment_traits: Iterable[Trait]) -> list[Trait]:
    """The most distinctive first."""
    return sorted(segment_traits, key=lambda trait: -abs(trait.z))


def first_of_each_category(segment_traits: Iterable[Trait]) -> list[Trait]:
    """All behaviour, and of every category one trait: its spend and its share say the same."""
    result: list[Trait] = []
    for trait in segment_traits:
        if not trait.category or trait.category not in [other.category for other in result]:
            result.append(trait)
    return result


def typical_value(feature: Feature, z: float) -> float:
    """A standardised value back in the raw unit, within the feature's clips."""
    value = feature.raw(z)
    if feature.clip_low is not None:
        value = max(value, feature.clip_low)
    return value if feature.clip_high is None else min(value, feature.clip_high)


def category_in_words(model: SegmentModel, feature: str) -> str | None:
    """The category of a column of spend, as the shop writes it where a name can show that; None for behaviour."""
    if not feature.startswith(("spend_", "share_")):
        return None
    suffix = feature.partition("_")[2]
    values = {c.column_suffix: c.category.lower() for c in model.categories}
    value = values.get(suffix, OTHER_CATEGORIES if suffix == "other" else suffix)
    return words_of_column(value if value.isprintable() and "\\" not in value else suffix)
