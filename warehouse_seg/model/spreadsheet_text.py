"""Texts that a spreadsheet would take for a formula.

Whoever opens an export in a spreadsheet runs what begins with one of these characters (OWASP, *CSV injection*). Names
of categories come from data that strangers write.
"""

from __future__ import annotations

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
"""A minus is one as well. Some locales read the full-width forms alike."""


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet would calculate this text, blanks before it not counted.

    >>> begins_formula("=1+1"), begins_formula(" @SUM(A1)"), begins_formula("tea = good")
    (True, True, False)
    """
    return text.lstrip(" \u00a0\u3000")[:1] in tuple(FORMULA_STARTS)
