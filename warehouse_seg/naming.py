"""Plain-language names and one-sentence descriptions, from what sets a segment apart.

A component's mean is already the answer: in standardised units it says how many population standard
deviations the segment lies from the average customer, feature by feature, and turned back into the raw unit
it is the segment's typical customer. No data are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse_seg.model import Component, Feature, SegmentModel
from warehouse_seg.transforms import TRANSFORMS

DISTINCT = 0.4
"""Standard deviations from the average customer below which nobody would call a segment special."""


@dataclass(frozen=True)
class Words:
    """How a feature is spoken of.

    low, high: as a part of a name; phrase: as a part of a sentence, over the typical value
    """

    low: str
    high: str
    phrase: str


KNOWN_WORDS = {
    "recency_days": Words("recent", "lapsed", "last ordered {value} days ago"),
    "order_count": Words("rare", "frequent", "placed {value} orders"),
    "average_order_value": Words("small baskets", "large baskets", "spend {value} an order"),
    "net_spend": Words("low spend", "high spend", "spent {value} in all"),
    "tenure_days": Words("new", "long-standing", "first ordered {value} days ago"),
    "days_between_orders": Words("short gaps", "long gaps", "let {value} days pass between orders"),
    "category_count": Words("few categories", "many categories", "buy in {value} categories"),
    "category_entropy": Words("focused", "varied", "spread their spend by {value} nats"),
}


@dataclass(frozen=True)
class Trait:
    """One feature of one segment.

    z: standard deviations from the average customer; typical: the segment's typical value in the raw unit
    """

    feature: str
    z: float
    typical: float

    @property
    def words(self) -> Words:
        """How this feature is spoken of."""
        if self.feature in KNOWN_WORDS:
            return KNOWN_WORDS[self.feature]
        category = _category(self.feature)
        if category:
            return Words(f"little {category}", category, f"{{value}} on {category}")
        plain = self.feature.replace("_", " ")
        return Words(f"low {plain}", f"high {plain}", f"{plain} {{value}}")

    @property
    def adjective(self) -> str:
        """The feature's part of a name."""
        return self.words.high if self.z > 0 else self.words.low

    @property
    def clause(self) -> str:
        """The feature's part of a sentence."""
        return self.words.phrase.format(value=_spoken(self.typical))


def traits(model: SegmentModel, component: Component) -> list[Trait]:
    """Every feature of a segment, the most distinctive first."""
    found = [
        Trait(feature.feature, mean, typical_value(feature, mean))
        for feature, mean in zip(model.features, component.mean, strict=True)
    ]
    return sorted(found, key=lambda trait: -abs(trait.z))


def typical_value(feature: Feature, z: float) -> float:
    """A standardised value back in the raw unit."""
    return TRANSFORMS[feature.transform].inverse(feature.center + feature.scale * z)


def named(model: SegmentModel) -> SegmentModel:
    """The model with a name and a description for every segment, each name once.

    Segments that would share a name are told apart by their next most distinctive feature, then by a number.
    """
    names: list[str] = []
    components = []
    for component in model.components:
        name = _unused(_names(traits(model, component)), names)
        names.append(name)
        description = describe(traits(model, component))
        components.append(
            component.model_copy(update={"segment_name": name, "description": description})
        )
    return model.model_copy(update={"components": tuple(components)})


def describe(segment_traits: Sequence[Trait]) -> str:
    """One sentence on the segment's typical customer, in raw units."""
    history = [t for t in segment_traits if t.feature in KNOWN_WORDS]
    history.sort(key=lambda trait: list(KNOWN_WORDS).index(trait.feature))
    others = [t for t in segment_traits if t not in history and abs(t.z) >= DISTINCT][:2]
    clauses = [trait.clause for trait in (*history, *others)] or [
        trait.clause for trait in segment_traits[:2]
    ]
    return f"Typical customers {_joined(clauses)}."


def _names(segment_traits: Sequence[Trait]) -> list[str]:
    """Candidate names, the plainest first: each has one more trait than the one before."""
    distinct = [t for t in segment_traits if abs(t.z) >= DISTINCT and not _says_little(t)]
    rest = [t for t in segment_traits if t not in distinct and not _says_little(t)]
    ordered = distinct + rest
    first = min(3, len(distinct))
    counts = range(max(first, 1), len(ordered) + 1)
    plain = [] if distinct else ["Average customers"]
    return [*plain, *(_name(ordered[:count]) for count in counts)]


def _says_little(trait: Trait) -> bool:
    """Not buying a category is common; a name lists what a segment does buy."""
    return trait.z < 0 and _category(trait.feature) != ""


def _name(chosen: Sequence[Trait]) -> str:
    """Behaviour in the order of the order history, then categories."""
    order = list(KNOWN_WORDS)
    behaviour = sorted(
        (t for t in chosen if not _category(t.feature)),
        key=lambda t: order.index(t.feature) if t.feature in order else len(order),
    )
    categories = [trait.adjective for trait in chosen if _category(trait.feature)]
    text = ", ".join(trait.adjective for trait in behaviour)
    together = " · ".join(part for part in (text, *categories) if part)
    return together[:1].upper() + together[1:]


def _category(feature: str) -> str:
    for prefix in ("spend_", "share_"):
        if feature.startswith(prefix):
            return feature.removeprefix(prefix).replace("_", " ")
    return ""


def _unused(candidates: Sequence[str], taken: Sequence[str]) -> str:
    for name in candidates:
        if name not in taken:
            return name
    number = 2
    while f"{candidates[-1]} {number}" in taken:
        number += 1
    return f"{candidates[-1]} {number}"


def _spoken(value: float) -> str:
    """A number as a person would say it: two digits below ten, whole above."""
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0")


def _joined(clauses: Sequence[str]) -> str:
    if len(clauses) == 1:
        return clauses[0]
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}"
