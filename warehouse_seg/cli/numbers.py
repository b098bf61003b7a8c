"""How every view writes numbers, and the dash where there is none.

The `z` in a format writes what is rounded to zero without a sign: nobody has an index of -0.
"""

from __future__ import annotations

from warehouse_seg.segments.vocabulary import readable_number

NOTHING = "–"


def decimal(value: float | None, digits: int = 2) -> str:
    """A number with so many digits after the point, a dash for None.

    >>> decimal(0.5), decimal(None)
    ('0.50', '–')
    """
    return NOTHING if value is None else f"{value:z.{digits}f}"


def rounded(value: float | None) -> str:
    """A whole number with commas, a dash for None."""
    return NOTHING if value is None else f"{value:z,.0f}"


def percent(share: float | None) -> str:
    """A share in percent, a dash for None."""
    return NOTHING if share is None else f"{share:z.1%}"


def feature_value(value: float | None, *, is_share: bool) -> str:
    """A value of a feature as people write it: a share in percent, else three digits or so; a dash for None."""
    if value is None or is_share:
        return percent(value)
    return readable_number(value)


def is_share(feature: str) -> bool:
    """Whether the feature is a share of something, by its name."""
    return feature.startswith("share_")
