"""Names of segments, each once.

A name has up to three traits and a category: "Recent, frequent, high spend · wine". Segments that would share a name
get another word each, of the feature in which they differ most, graded with "very" and "rather".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain, combinations, count

from warehouse_seg.segments.traits import RATHER, Trait, first_of_each_category
from warehouse_seg.segments.vocabulary import place_in_order_history

MAX_BEHAVIOURS, MAX_CATEGORIES, MAX_WORDS = 3, 1, 5
"""Words of a plain name, and of one that has to differ from others."""

AVERAGE = "Average customers"


def distinct_names(
    segments: Mapping[str, Sequence[Trait]], inherited: Mapping[str, str]
) -> dict[str, str]:
    """Segment key → name, every name once.

    segments: key → every feature of the segment, the most distinctive first
    inherited: key → name of the segments that keep the name they have; the others stay apart from those
    """
    drafts = {key: _draft(traits) for key, traits in segments.items() if key not in inherited}
    return {**_distinct(drafts, set(inherited.values())), **inherited}


@dataclass(frozen=True)
class _Draft:
    """A name in the making.

    traits: every feature of the segment, the most distinctive first
    words: feature → its word in the name
    """

    traits: Sequence[Trait]
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Behaviour in the order of the order history, then categories."""
        used = [trait for trait in self.traits if trait.feature in self.words]
        behaviour = sorted(
            (trait for trait in used if not trait.category),
            key=lambda trait: place_in_order_history(trait.feature),
        )
        text = ", ".join(self.words[trait.feature] for trait in behaviour)
        categories = [self.words[trait.feature] for trait in used if trait.category]
        together = " · ".join(part for part in (text, *categories) if part)
        return together[:1].upper() + together[1:] or AVERAGE

    def z(self, feature: str) -> float:
        """How far the segment lies from the average customer in a feature."""
        return self._trait(feature).z

    def with_word_for(self, feature: str) -> _Draft:
        """The draft with a word for this feature, graded by its distance; without it near the average customer."""
        return self._with_word(feature, self._trait(feature).graded_adjective)

    def with_very(self, feature: str) -> _Draft:
        """The draft with "very" before its word for this feature."""
        return self._with_word(feature, self._trait(feature).with_grade("very"))

    def _trait(self, feature: str) -> Trait:
        return next(trait for trait in self.traits if trait.feature == feature)

    def _with_word(self, feature: str, word: str | None) -> _Draft:
        category = self._trait(feature).category
        same = {t.feature for t in self.traits if category and t.category == category} | {feature}
        words = {name: other for name, other in self.words.items() if name not in same}
        return replace(self, words=words if word is None else words | {feature: word})


Drafts = dict[str, _Draft]


def _draft(segment_traits: Sequence[Trait]) -> _Draft:
    """The plainest name: the most distinctive behaviour, and the category that is bought most out of the common."""
    distinct = first_of_each_category(trait for trait in segment_traits if trait.is_distinct)
    behaviour = [trait for trait in distinct if not trait.category][:MAX_BEHAVIOURS]
    categories = [trait for trait in distinct if trait.category][:MAX_CATEGORIES]
    draft = _Draft(segment_traits, {t.feature: t.adjective for t in (*behaviour, *categories)})
    if categories and not behaviour:
        # A category alone makes a poor name: who spends more on it usually does something else more, too.
        most = next((trait for trait in segment_traits if not trait.category), None)
        return draft.with_word_for(most.feature) if most else draft
    return draft


def _distinct(drafts: Drafts, taken: Collection[str]) -> dict[str, str]:
    """Segment key → name, each once and none of `taken`; a number only where no word is left."""
    used = {draft.name for draft in drafts.values()} | set(taken)
    names: dict[str, str] = {}
    for name in dict.fromkeys(draft.name for draft in drafts.values()):
        group = {key: draft for key, draft in drafts.items() if draft.name == name}
        # One segment of the group may keep the name that they share.
        others = used if name in taken else used - {name}
        if len(group) > 1 or name in taken:
            group = next((way for way in _alternatives(group) if _differ(way, others)), group)
        names |= {key: draft.name for key, draft in group.items()}
        used |= set(names.values())
    return _numbered({key: names[key] for key in drafts}, taken)


def _alternatives(group: Drafts) -> Iterator[Drafts]:
    """Other names for segments that share a name, the plainest first.

    A further word, for the feature in which they differ most, or two words; "very" for the most extreme segment in a
    word that they share; for a single segment, whose name is taken, fewer words.
    """
    features = [trait.feature for trait in next(iter(group.values())).traits]
    widest = sorted(features, key=lambda feature: -_spread(feature, group))
    for added in chain(combinations(widest, 1), combinations(widest, 2)):
        yield {key: reduce(_Draft.with_word_for, added, draft) for key, draft in group.items()}
    if len(group) > 1:
        apart = [feature for feature in widest if _spread(feature, group) >= RATHER]
        for graded in [*((feature,) for feature in apart), tuple(apart)]:
            yield reduce(_with_very, graded, group)
    else:
        ((key, draft),) = group.items()
        for size in range(len(draft.words) - 1, 0, -1):
            yield {key: replace(draft, words=dict([*draft.words.items()][:size]))}


def _with_very(group: Drafts, feature: str) -> Drafts:
    """The group with "very" before the most extreme segment's word for the feature, where it has a word for it."""
    most = max(group, key=lambda key: abs(group[key].z(feature)))
    if feature not in group[most].words:
        return group
    return {**group, most: group[most].with_very(feature)}


def _differ(drafts: Drafts, others: Collection[str]) -> bool:
    """Whether every name differs from the rest and from `others`, and none is too long."""
    names = {draft.name for draft in drafts.values()}
    short = all(len(draft.words) <= MAX_WORDS for draft in drafts.values())
    return short and len(names) == len(drafts) and names.isdisjoint(others)


def _spread(feature: str, group: Drafts) -> float:
    """How far apart the segments are in a feature; for a single segment, how far from the average customer."""
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
