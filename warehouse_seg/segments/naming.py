"""Plain-language names and one-sentence descriptions, from what sets a segment apart.

A component's mean is most of the answer: in standardised units it says how many population standard
deviations the segment lies from the average customer, feature by feature, and turned back into the raw unit
it is the segment's typical customer. The categories that it buys are no features of most models: their shares
come from the customers that the model was fitted on, in the same units.

A name tells up to three traits and a category: "Recent, frequent, high spend · wine". Segments that would
share a name are told apart by the feature in which they differ most, graded with "very" and "rather".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain, combinations, count, groupby

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel

Columns = dict[str, NDArray[np.float64]]

RATHER, DISTINCT, VERY = 0.15, 0.4, 1.5
"""Standard deviations from the average customer: below the second nobody would call a segment special."""

TRAITS_OF_A_NAME, CATEGORIES_OF_A_NAME, WORDS_AT_MOST = 3, 1, 5

LONGEST_NAME_OF_A_FEATURE = 26
"""A segment's name has room for five of them, graded, within the 200 characters that the registry takes."""

AVERAGE = "Average customers"

SMALLEST_SHARE = 0.2
"""Nobody is called after what less than a fifth of their money goes to, however little others spend on it."""

SMALLEST_SPREAD = 1e-9
"""Of a share that is the same for everybody, whose differences are rounding."""


@dataclass(frozen=True)
class Words:
    """How a feature is spoken of.

    low, high: as a part of a name
    verb, phrase: as a part of a sentence, over the typical value; `{unit}` is the singular or the plural
    """

    low: str
    high: str
    verb: str
    phrase: str
    unit: tuple[str, str] = ("", "")


DAYS = ("day", "days")

KNOWN_WORDS = {
    "recency_days": Words("recent", "lapsed", "last ordered", "{value} {unit} ago", DAYS),
    "order_count": Words("infrequent", "frequent", "placed", "{value} {unit}", ("order", "orders")),
    "average_order_value": Words("small baskets", "large baskets", "spend", "{value} an order"),
    "net_spend": Words("low spend", "high spend", "spent", "{value} in all"),
    "tenure_days": Words("new", "long-standing", "first ordered", "{value} {unit} ago", DAYS),
    "days_between_orders": Words(
        "short gaps", "long gaps", "let", "{value} {unit} pass between orders", DAYS
    ),
    "category_count": Words(
        "few categories", "many categories", "buy in", "{value} {unit}", ("category", "categories")
    ),
    "category_entropy": Words("focused", "varied", "spread their spend by", "{value} nats"),
}

OF_THEIR_MONEY = " of their money"
"""Said once in a sentence."""

GRADED = {
    "very lapsed": "long lapsed",
    "rather lapsed": "fading",
    "very one-time": "one-time",
    "rather one-time": "one-time",
}
"""What "very" and "rather" make of a word where people say it in another way, or not at all."""


@dataclass(frozen=True)
class Trait:
    """One feature of one segment.

    z: standard deviations from the average customer; typical: the segment's typical value in the raw unit
    category: whose spend this is, in words; empty for behaviour
    reference: of a ratio of shares, the share that it is divided by; empty for a plain feature
    """

    feature: str
    z: float
    typical: float
    category: str = ""
    reference: str = ""

    @property
    def words(self) -> Words:
        """How this feature is spoken of."""
        if self.feature in KNOWN_WORDS:
            return KNOWN_WORDS[self.feature]
        if self.reference:
            name, whole = _in_words(self.feature), _in_words(self.reference)
            phrase = f"{{value}} times as much {name} as {whole}"
            return Words(f"little {name}", f"much {name}", "have", phrase)
        if self.category:
            verb = "spend" if self.feature.startswith("share_") else "spent"
            phrase = f"{{value}} on {self.category}"
            return Words(f"little {self.category}", self.category, verb, phrase)
        name = _in_words(self.feature)
        return Words(f"low {name}", f"high {name}", "have", f"{name} of {{value}}")

    @property
    def is_share(self) -> bool:
        """Whether the typical value is a part of a customer's money."""
        return self.feature.startswith("share_") and not self.reference

    @property
    def is_distinct(self) -> bool:
        """Whether people would name it. Not buying a category is too common for that, and a little of it too little."""
        if self.category and self.z < 0:
            return False
        enough = not self.is_share or self.typical >= SMALLEST_SHARE
        return abs(self.z) >= DISTINCT and enough

    @property
    def adjective(self) -> str:
        """The feature's part of a name."""
        if self.feature == "order_count" and self.z < 0 and self.typical < 1.5:
            return "one-time"
        return self.words.high if self.z > 0 else self.words.low

    @property
    def graded_adjective(self) -> str:
        """The same with how much of it, where there is any to speak of."""
        if abs(self.z) < RATHER:
            return ""
        if abs(self.z) < DISTINCT:
            return self.with_grade("rather")
        return self.with_grade("very") if abs(self.z) >= VERY else self.adjective

    def with_grade(self, grade: str) -> str:
        """The adjective with "very" or "rather" before it."""
        if self.category:
            amount = {"very": "much", "rather": "some"}[grade]
            return f"{amount} {self.category}" if self.z > 0 else f"{grade} {self.adjective}"
        plain = f"{grade} {self.adjective}"
        return GRADED.get(plain, plain)

    @property
    def clause(self) -> str:
        """The feature's part of a sentence, after its verb."""
        words = self.words
        # Nobody places 1.1 orders: a few days or orders are told by halves.
        by_halves = words.unit[0] and self.typical < 10
        value = readable_number(round(2 * self.typical) / 2 if by_halves else self.typical)
        if self.is_share:
            value = f"{100 * self.typical:.0f} %{OF_THEIR_MONEY}"
        elif self.category and value == "0":
            value = "nothing"
        return _filled(words.phrase, value, words.unit[0 if value == "1" else 1])


def traits(model: SegmentModel, component: Component) -> list[Trait]:
    """Every feature of a segment, the most distinctive first."""
    found = [
        Trait(
            feature.feature,
            mean,
            typical_value(feature, mean),
            _category(model, feature.feature),
            feature.reference or "",
        )
        for feature, mean in zip(model.features, component.mean, strict=True)
    ]
    return _by_distance(found)


def _by_distance(found: Sequence[Trait]) -> list[Trait]:
    return sorted(found, key=lambda trait: -abs(trait.z))


def typical_value(feature: Feature, z: float) -> float:
    """A standardised value back in the raw unit, within the feature's clips."""
    value = feature.raw(z)
    if feature.clip_low is not None:
        value = max(value, feature.clip_low)
    return value if feature.clip_high is None else min(value, feature.clip_high)


def shares_of_categories(model: SegmentModel, columns: Columns) -> list[list[Trait]]:
    """Of every segment, what part of their money its customers spend on each category, where columns say so.

    columns: raw columns (n,) of the customers that the model was fitted on
    """
    names = [f"share_{category.column_suffix}" for category in model.categories]
    told = [name for name in names if name in columns and name not in model.feature_names]
    result: list[list[Trait]] = [[] for _ in model.components]
    if not told:
        return result
    memberships = softmax(model.log_joint(columns), axis=1)
    for name in told:
        shares = np.nan_to_num(columns[name])
        means = memberships.T @ shares / memberships.sum(axis=0)
        for segment_traits, mean in zip(result, means, strict=True):
            z = (mean - shares.mean()) / max(shares.std(), SMALLEST_SPREAD)
            segment_traits.append(Trait(name, float(z), float(mean), _category(model, name)))
    return result


def named(
    model: SegmentModel,
    columns: Columns | None = None,
    inherited: Mapping[str, str] | None = None,
) -> SegmentModel:
    """The model with a name and a description for every segment, each name once.

    columns: raw columns (n,) of the customers that it was fitted on, for the categories that they buy
    inherited: segment_key → name of the segments that keep the name they have; the others stay apart from those
    """
    kept = inherited or {}
    categories = shares_of_categories(model, columns or {})
    drafts = {
        component.segment_key: _draft(_by_distance([*traits(model, component), *shares]))
        for component, shares in zip(model.components, categories, strict=True)
    }
    fresh = {key: draft for key, draft in drafts.items() if key not in kept}
    names = {**_told_apart(fresh, set(kept.values())), **kept}
    components = [
        component.model_copy(
            update={
                "segment_name": names[component.segment_key],
                "description": describe(drafts[component.segment_key].traits),
            }
        )
        for component in model.components
    ]
    return model.model_copy(update={"components": tuple(components)})


def describe(segment_traits: Sequence[Trait]) -> str:
    """One sentence on the segment's typical customer, in raw units."""
    history = [t for t in segment_traits if t.feature in KNOWN_WORDS]
    history.sort(key=lambda trait: list(KNOWN_WORDS).index(trait.feature))
    others = _one_per_category(t for t in segment_traits if t not in history)
    told = [*history, *[t for t in others if t.is_distinct][:2]] or others[:2]
    return f"Typical customers {_sentence(told)}."


# --------------------------------------------------------------------------------------- names that differ


@dataclass(frozen=True)
class _Draft:
    """A name in the making.

    traits: every feature of the segment, the most distinctive first
    told: feature → its adjective in the name
    """

    traits: Sequence[Trait]
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Behaviour in the order of the order history, then categories."""
        order = list(KNOWN_WORDS)
        told = [trait for trait in self.traits if self.told.get(trait.feature)]
        behaviour = sorted(
            (t for t in told if not t.category),
            key=lambda t: order.index(t.feature) if t.feature in order else len(order),
        )
        text = ", ".join(self.told[trait.feature] for trait in behaviour)
        categories = [self.told[trait.feature] for trait in told if trait.category]
        together = " · ".join(part for part in (text, *categories) if part)
        return together[:1].upper() + together[1:] or AVERAGE

    def z(self, feature: str) -> float:
        """How far the segment lies from the average customer in a feature."""
        return next(trait.z for trait in self.traits if trait.feature == feature)

    def telling(self, feature: str, grade: str = "") -> _Draft:
        """The draft that tells of this feature too, and how much of it there is.

        grade: "very", or what the distance from the average customer says
        """
        (trait,) = [trait for trait in self.traits if trait.feature == feature]
        word = trait.with_grade(grade) if grade else trait.graded_adjective
        same = {t.feature for t in self.traits if trait.category and t.category == trait.category}
        others = {name: told for name, told in self.told.items() if name not in same}
        return replace(self, told={**others, feature: word})


Drafts = dict[str, _Draft]


def _draft(segment_traits: Sequence[Trait]) -> _Draft:
    """The plainest name: the most distinctive behaviour, and the category that is bought most out of the common."""
    distinct = _one_per_category(trait for trait in segment_traits if trait.is_distinct)
    behaviour = [trait for trait in distinct if not trait.category][:TRAITS_OF_A_NAME]
    categories = [trait for trait in distinct if trait.category][:CATEGORIES_OF_A_NAME]
    told = {trait.feature: trait.adjective for trait in (*behaviour, *categories)}
    if categories and not behaviour:
        # Who spends more on one thing usually does something else more too, and is not called after the thing alone.
        most = next((trait for trait in segment_traits if not trait.category), None)
        told |= {most.feature: most.graded_adjective} if most else {}
    return _Draft(segment_traits, told)


def _told_apart(drafts: Drafts, taken: Collection[str]) -> dict[str, str]:
    """Segment key → name, each once and none of `taken`; a number only where no word is left."""
    used = {draft.name for draft in drafts.values()} | set(taken)
    names: dict[str, str] = {}
    for name in dict.fromkeys(draft.name for draft in drafts.values()):
        group = {key: draft for key, draft in drafts.items() if draft.name == name}
        # One of them may go on with the name that they had in common.
        others = used if name in taken else used - {name}
        if len(group) > 1 or name in taken:
            group = next((way for way in _ways_apart(group) if _differ(way, others)), group)
        names |= {key: draft.name for key, draft in group.items()}
        used |= set(names.values())
    return _numbered({key: names[key] for key in drafts}, taken)


def _ways_apart(group: Drafts) -> Iterator[Drafts]:
    """Ways of giving segments of one name other names, the plainest first.

    A further word, of the feature in which they differ most, or two; "very" for whoever is the most extreme in a word
    that they share; for a single segment, whose name somebody else has, fewer words.
    """
    features = [trait.feature for trait in next(iter(group.values())).traits]
    widest = sorted(features, key=lambda feature: -_spread(feature, group))
    for told in chain(combinations(widest, 1), combinations(widest, 2)):
        yield {key: reduce(_Draft.telling, told, draft) for key, draft in group.items()}
    if len(group) > 1:
        apart = [feature for feature in widest if _spread(feature, group) >= RATHER]
        for told in [*((feature,) for feature in apart), tuple(apart)]:
            yield reduce(_with_very, told, group)
    else:
        ((key, draft),) = group.items()
        for words in range(len(draft.told) - 1, 0, -1):
            yield {key: replace(draft, told=dict([*draft.told.items()][:words]))}


def _with_very(group: Drafts, feature: str) -> Drafts:
    """The group in which the most extreme segment has "very" before its word for the feature, where it has one."""
    most = max(group, key=lambda key: abs(group[key].z(feature)))
    if not group[most].told.get(feature):
        return group
    return {**group, most: group[most].telling(feature, "very")}


def _differ(drafts: Drafts, others: Collection[str]) -> bool:
    """Whether every name is another one, nobody else's, and none is too long."""
    names = {draft.name for draft in drafts.values()}
    short = all(sum(map(bool, draft.told.values())) <= WORDS_AT_MOST for draft in drafts.values())
    return short and len(names) == len(drafts) and names.isdisjoint(others)


def _spread(feature: str, group: Drafts) -> float:
    """How far apart segments are in a feature; a single one, whose name somebody else has, from the average."""
    distances = [draft.z(feature) for draft in group.values()]
    return max(distances) - min(distances) if len(distances) > 1 else abs(distances[0])


def _numbered(names: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    used = set(taken)
    result = {}
    for key, name in names.items():
        different = (name if number == 1 else f"{name} {number}" for number in count(1))
        result[key] = next(candidate for candidate in different if candidate not in used)
        used.add(result[key])
    return result


# -------------------------------------------------------------------------------------------------- words


def _one_per_category(segment_traits: Iterable[Trait]) -> list[Trait]:
    """Spend and share of a category say one thing: the first of them."""
    result: list[Trait] = []
    for trait in segment_traits:
        if not trait.category or trait.category not in [other.category for other in result]:
            result.append(trait)
    return result


def _category(model: SegmentModel, feature: str) -> str:
    """The category of a column of spend, as the shop writes it where a name can show that."""
    if not feature.startswith(("spend_", "share_")):
        return ""
    suffix = feature.partition("_")[2]
    values = {c.column_suffix: c.category.lower() for c in model.categories}
    value = values.get(suffix, "other categories" if suffix == "other" else suffix)
    return _in_words(value if value.isprintable() and "\\" not in value else suffix)


def _in_words(name: str) -> str:
    words = name.replace("_", " ").strip() or name
    longest = LONGEST_NAME_OF_A_FEATURE
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _filled(phrase: str, value: str, unit: str) -> str:
    """No str.format: a column may be named {0}."""
    return phrase.replace("{unit}", unit).replace("{value}", value)


def readable_number(value: float) -> str:
    """A number as a person would say it: two digits below ten, whole above."""
    text = f"{value:,.0f}" if abs(value) >= 9.95 else f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _sentence(told: Sequence[Trait]) -> str:
    """Clauses, in which a verb is said once for all that follow it."""
    groups = [list(group) for _, group in groupby(told, key=lambda trait: trait.words.verb)]
    clauses = [
        f"{trait.words.verb} {trait.clause}" if trait is group[0] else trait.clause
        for group in groups
        for trait in group
    ]
    text = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
    first, of_their_money, rest = text.partition(OF_THEIR_MONEY)
    return first + of_their_money + rest.replace(OF_THEIR_MONEY, "")
