"""Names of segments, each once.

A name has up to three traits and a category: "Recent, frequent, high spend · wine". Segments that would share a name
get another word each, of the feature in which they differ most, graded with "very" and "rather". Where no word
distinguishes them, their place by size does: "Lapsed (largest)", "Lapsed (second largest)".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain, combinations

from warehouse_seg.model.spreadsheet_text import begins_formula
from warehouse_seg.segments.size_words import with_size_words, without_size_words
from warehouse_seg.segments.traits import RATHER, Trait, first_of_each_category
from warehouse_seg.segments.vocabulary import place_in_order_history

MAX_BEHAVIOURS, MAX_CATEGORIES, MAX_WORDS = 3, 1, 5
"""Words of a plain name, and of one that has to differ from others."""

AVERAGE = "Average customers"

LONGEST_NAME = 160
"""Characters, so that words for the size find room within the 200 that the registry takes."""


def distinct_names(
    segments: Mapping[str, Sequence[Trait]],
    inherited: Mapping[str, str],
    sizes: Mapping[str, float],
) -> dict[str, str]:
    """Segment key → name, every name once.

    segments: key → every feature of the segment, the most distinctive first
    inherited: key → name of the segments that keep the name they have; the others stay apart from those
    sizes: key → share of the customers, of every segment
    """
    drafts = {key: _draft(traits) for key, traits in segments.items() if key not in inherited}
    taken = {name for kept in inherited.values() for name in (kept, without_size_words(kept))}
    return with_size_words(_distinct(drafts, taken), inherited, sizes)


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
        # Two columns may have the same words.
        text = ", ".join(dict.fromkeys(self.words[trait.feature] for trait in behaviour))
        categories = [self.words[trait.feature] for trait in used if trait.category]
        together = " · ".join(part for part in (text, *categories) if part)
        if begins_formula(together):
            together = f"buys {together}"
        return together[:1].upper() + together[1:] or AVERAGE

    @property
    def fits(self) -> bool:
        """Whether the name has few enough words and characters."""
        return len(self.words) <= MAX_WORDS and len(self.name) <= LONGEST_NAME

    def shortened(self) -> _Draft:
        """The draft without its last words, until it fits; one word stays."""
        sizes = range(len(self.words), 1, -1)
        ways = (replace(self, words=dict([*self.words.items()][:size])) for size in sizes)
        first = replace(self, words=dict([*self.words.items()][:1]))
        return next((way for way in ways if way.fits), first)

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
    words = {t.feature: t.adjective for t in (*behaviour, *categories)}
    draft = _Draft(segment_traits, words).shortened()
    if categories and not behaviour:
        # A category alone makes a poor name: who spends more on it usually does something else more, too.
        most = next((trait for trait in segment_traits if not trait.category), None)
        graded = draft.with_word_for(most.feature) if most else draft
        return graded if graded.fits else draft
    return draft


def _distinct(drafts: Drafts, taken: Collection[str]) -> dict[str, str]:
    """Segment key → name, none of `taken` and each once, as far as words go."""
    used = {draft.name for draft in drafts.values()} | set(taken)
    names: dict[str, str] = {}
    for name in dict.fromkeys(draft.name for draft in drafts.values()):
        group = {key: draft for key, draft in drafts.items() if draft.name == name}
        # One segment of the group may keep the name that they share.
        others = used if name in taken else used - {name}
        if len(group) > 1 or name in taken:
            group = _most_distinct(group, others)
        names |= {key: draft.name for key, draft in group.items()}
        used |= set(names.values())
    return {key: names[key] for key in drafts}


def _most_distinct(group: Drafts, others: Collection[str]) -> Drafts:
    """The plainest names that differ from each other and from `others`; else those of which most do."""
    best, most = group, len({draft.name for draft in group.values()} - set(others))
    for way in _alternatives(group):
        if not all(draft.fits for draft in way.values()):
            continue
        distinct = len({draft.name for draft in way.values()} - set(others))
        if distinct == len(way):
            return way
        if distinct > most:
            best, most = way, distinct
    return best


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


def _spread(feature: str, group: Drafts) -> float:
    """How far apart the segments are in a feature; for a single segment, how far from the average customer."""
    distances = [draft.z(feature) for draft in group.values()]
    return max(distances) - min(distances) if len(distances) > 1 else abs(distances[0])
