"""One sentence on a segment's typical customer, in raw units."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from warehouse_seg.segments.traits import Trait, first_of_each_category
from warehouse_seg.segments.vocabulary import (
    KNOWN_WORDS,
    OF_THEIR_MONEY,
    place_in_order_history,
)

OTHER_TRAITS = 2
"""So many features beside the order history are described."""


def describe(segment_traits: Sequence[Trait]) -> str:
    """The sentence. segment_traits: every feature of the segment, the most distinctive first."""
    history = [trait for trait in segment_traits if trait.feature in KNOWN_WORDS]
    history.sort(key=lambda trait: place_in_order_history(trait.feature))
    others = first_of_each_category(trait for trait in segment_traits if trait not in history)
    distinct = [trait for trait in others if trait.is_distinct][:OTHER_TRAITS]
    return f"Typical customers {_clauses([*history, *distinct] or others[:OTHER_TRAITS])}."


def _clauses(described: Sequence[Trait]) -> str:
    """Clauses with a comma or "and" between; a verb stands once before all that follow it."""
    groups = [list(group) for _, group in groupby(described, key=lambda trait: trait.words.verb)]
    clauses = [
        f"{trait.words.verb} {trait.clause}" if trait is group[0] else trait.clause
        for group in groups
        for trait in group
    ]
    text = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
    first, of_their_money, rest = text.partition(OF_THEIR_MONEY)
    return first + of_their_money + rest.replace(OF_THEIR_MONEY, "")
