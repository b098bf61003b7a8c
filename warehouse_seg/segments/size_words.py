"""Words for the size of segments that no other word distinguishes: "Lapsed (largest)", "Lapsed (second largest)"."""

from __future__ import annotations

import re
from collections.abc import Mapping

ORDINALS = (
    "",
    "second ",
    "third ",
    "fourth ",
    "fifth ",
    "sixth ",
    "seventh ",
    "eighth ",
    "ninth ",
    "tenth ",
    "eleventh ",
    "twelfth ",
)

SIZE_WORDS = re.compile(r" \((?:\S+ )?largest\)$| \(s\d+\)$")


def with_size_words(
    names: Mapping[str, str], inherited: Mapping[str, str], sizes: Mapping[str, float]
) -> dict[str, str]:
    """Segment key → name, each once: those that share one get the words for their place by size.

    names: of new segments; inherited: names that stay as they are, key → name; sizes: key → share of the customers
    The place is that among all segments of the name, also those that keep theirs. Where its words are taken, since a
    segment keeps its name though it grew or shrank, the new segment's key stands there: no key is given twice.
    """
    result = dict(inherited)
    of_name = {**names, **{key: without_size_words(name) for key, name in inherited.items()}}
    for key, name in names.items():
        rivals = [other for other, others_name in of_name.items() if others_name == name]
        place = sorted(rivals, key=lambda other: -sizes[other]).index(key)
        words = name if len(rivals) == 1 else f"{name} ({_place_in_words(place)})"
        result[key] = f"{name} ({key})" if words in result.values() else words
    return {key: result[key] for key in (*names, *inherited)}


def without_size_words(name: str) -> str:
    """The name that segments share.

    >>> without_size_words("Lapsed (second largest)"), without_size_words("Recent (gifts)")
    ('Lapsed', 'Recent (gifts)')
    """
    return SIZE_WORDS.sub("", name)


def _place_in_words(place: int) -> str:
    return f"{ORDINALS[place]}largest" if place < len(ORDINALS) else f"{place + 1}th largest"
