"""Whether segments and tiers hold the groups of a protected attribute in equal shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from warehouse_seg.evaluation.reference import Counts

Kind = Literal["segment", "tier"]
COLUMNS: tuple[tuple[Kind, str], ...] = (("segment", "segment_key"), ("tier", "action_tier"))

EQUAL_RATIOS = (0.8, 1.25)
"""The four-fifths rule, both ways: a group's share in a segment over its share of all customers."""

SIGNIFICANT_ERRORS = 3.0
"""Standard errors: a share that differs by less may differ by chance."""

UNKNOWN = "unknown"
"""The group of the customers without a value."""


@dataclass(frozen=True)
class GroupShare:
    """A group of customers in one segment or tier; each customer counts once.

    name: of the segment or tier
    share: of its customers; overall_share: of all customers; ratio: share / overall_share
    flagged: the ratio is below 0.8 or above 1.25, and by more than chance
    """

    kind: Kind
    name: str
    group: str
    customers: int
    share: float
    overall_share: float
    ratio: float
    flagged: bool


def audit(counts: Counts) -> tuple[GroupShare, ...]:
    """The share of every group in every segment and tier.

    counts: customers by attribute, segment_key and action_tier; customers without an attribute are a group, too
    """
    overall = _sums((_group(row), row) for row in counts)
    total = sum(overall.values())
    shares = []
    for kind, column in COLUMNS:
        sizes = _sums((row[column], row) for row in counts)
        customers = _sums(((row[column], _group(row)), row) for row in counts)
        shares += [
            _group_share(
                kind, name, group, customers.get((name, group), 0), sizes[name], number / total
            )
            for name in sorted(sizes)
            for group, number in sorted(overall.items())
        ]
    return tuple(shares)


def _group_share(
    kind: Kind, name: str, group: str, customers: int, size: int, overall_share: float
) -> GroupShare:
    """size: customers of the segment or tier."""
    share = customers / size
    ratio = share / overall_share
    error = np.sqrt(overall_share * (1 - overall_share) / size)
    unequal = not EQUAL_RATIOS[0] <= ratio <= EQUAL_RATIOS[1]
    return GroupShare(
        kind=kind,
        name=name,
        group=group,
        customers=customers,
        share=share,
        overall_share=overall_share,
        ratio=ratio,
        flagged=bool(unequal and abs(share - overall_share) > SIGNIFICANT_ERRORS * error),
    )


def _group(row: Mapping[str, Any]) -> str:
    return UNKNOWN if row["attribute"] is None else str(row["attribute"])


def _sums(keyed: Iterable[tuple[Any, Mapping[str, Any]]]) -> dict[Any, int]:
    """Key → customers of its rows."""
    sums: dict[Any, int] = {}
    for key, row in keyed:
        sums[key] = sums.get(key, 0) + int(row["customers"])
    return sums
