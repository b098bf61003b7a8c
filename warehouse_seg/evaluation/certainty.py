"""Whether memberships are more certain than blended behaviour can make them, and what pattern makes them so.

People are blends. Where nearly every customer has one segment only, the mixture has usually described a pattern of who
never bought what: features with many equal values, one cell of them each segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.features.preparation import Prepared

Array = NDArray[np.float64]

SUSPICIOUS_MEMBERSHIP = 0.99
"""Mean top membership above which nobody is a blend."""

SHARED = 0.1
"""Share of the customers that a value of a pattern has."""

FOLLOWS = 0.9
"""Share of the customers whose segment follows from the pattern, from which on the pattern is what was described."""


@dataclass(frozen=True)
class Certainty:
    """How certain memberships are.

    mean_top_membership: of all customers
    pattern: features with a value that many share, where the segments follow from who has it; follows: for what share
        of the customers they do
    suspicion: what is to be said of it, in words; empty where memberships are blends
    """

    mean_top_membership: float
    pattern: tuple[str, ...] = ()
    follows: float | None = None
    suspicion: str = ""


def certainty(prepared: Prepared, memberships: Array, weights: Array | None) -> Certainty:
    """How certain the memberships (K, n) of the prepared customers are, and why.

    weights (n,): how many customers each row stands for; None where each is itself
    """
    mean = float(np.average(memberships.max(axis=0), weights=weights))
    if mean < SUSPICIOUS_MEMBERSHIP or len(memberships) == 1:
        return Certainty(mean)
    flags = {
        feature.feature: prepared.z[:, column] == value
        for column, feature in enumerate(prepared.features)
        for value in [_most_frequent(prepared.z[:, column])]
        if (prepared.z[:, column] == value).mean() >= SHARED
    }
    known = f"nearly every customer is certain (mean membership {mean:z.3f}), which blended behaviour never makes"
    if not flags:
        return Certainty(mean, suspicion=known)
    follows = _follows(np.column_stack(list(flags.values())), memberships.argmax(axis=0))
    if follows < FOLLOWS:
        return Certainty(mean, suspicion=known)
    names = ", ".join(flags)
    return Certainty(
        mean,
        tuple(flags),
        follows,
        f"{known}: for {follows:z.0%} of the customers the segment follows from which of {names} have the value that "
        "most share, such as nothing bought; the segments describe that pattern, no behaviour. Fit without these "
        "features",
    )


def _most_frequent(z: Array) -> float:
    values, counts = np.unique(z[np.isfinite(z)], return_counts=True)
    return float(values[counts.argmax()])


def _follows(flags: NDArray[np.bool_], top: NDArray[np.intp]) -> float:
    """The share of customers in the most frequent segment of their own combination of flags (n, F)."""
    cells = flags @ (1 << np.arange(flags.shape[1]))
    table = np.zeros((int(cells.max()) + 1, int(top.max()) + 1))
    np.add.at(table, (cells, top), 1)
    return float(table.max(axis=1).sum() / len(top))
