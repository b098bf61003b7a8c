"""Text from data, notes and names as a terminal may show it: nothing in it steers the terminal or turns its order."""

from __future__ import annotations

import re

STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""C0 (but for tab and line feed), delete, C1, marks and overrides of direction, line separators, byte order marks."""

PLAIN = {
    "✓": "*",
    "█": "#",
    "–": "-",
    "−": "-",
    "·": "-",
    "→": "->",
    "…": "...",
    "≥": ">=",
    "≤": "<=",
    "²": "^2",
}
"""How the characters that we print are written where the output has no code for them."""


def visible(text: str) -> str:
    r"""The text with characters that steer a terminal written as escapes.

    >>> visible("a\x1b[31mred\u202e")
    'a\\x1b[31mred\\u202e'
    """
    return STEERING.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an output cannot take, as `codecs.register_error` wants it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lacking), error.end
