"""RFM rules: quintiles of recency, order count and spend, and the usual names of their grid.

What most shops have instead of a model, and therefore what a model has to be compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

QUINTILES = 5

GROUPS = (
    "hibernating",
    "at risk",
    "cannot lose them",
    "about to sleep",
    "need attention",
    "loyal",
    "promising",
    "new",
    "potentially loyal",
    "champions",
)
GRID = np.array(
    [
        [0, 0, 1, 1, 2],
        [0, 0, 1, 1, 2],
        [3, 3, 4, 5, 5],
        [6, 8, 8, 5, 5],
        [7, 8, 8, 9, 9],
    ]
)
"""Group by recency score (rows, the most recent last) and order count score: the grid that most tools draw."""


def quintiles(values: Array) -> Labels:
    """SQL's NTILE(5): values (n,) → scores 1 (lowest) to 5 (n,), as many customers in each.

    Equal values at a border are cut in the order of rows. With half of the customers at one order that is a border
    drawn through equal customers; it is what `ntile(5)` does.
    """
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    scores: Labels = 1 + ranks * QUINTILES // len(values)
    return scores


def rfm_scores(recency_days: Array, order_count: Array, net_spend: Array) -> Labels:
    """Scores of 1 to 5, 5 the best customers': recency, order count, spend, (n, 3)."""
    return np.column_stack([quintiles(-recency_days), quintiles(order_count), quintiles(net_spend)])


def rfm_groups(scores: Labels) -> Labels:
    """Scores (n, 3) → index of the group in GROUPS (n,); the grid does not look at spend."""
    groups: Labels = GRID[scores[:, 0] - 1, scores[:, 1] - 1]
    return groups


@dataclass(frozen=True)
class QuintileCuts:
    """Where the quintiles of recency, order count and spend lie on one day, (3, 4): frozen, they score another day's.

    Equal values are in one quintile here, so that a customer's score depends on nobody else.
    """

    cuts: Array

    @classmethod
    def of(cls, history: Array) -> QuintileCuts:
        """The cuts of recency, order count and net spend (n, 3)."""
        return cls(np.quantile(history, np.arange(1, QUINTILES) / QUINTILES, axis=0).T)

    def indicators(self, history: Array) -> Array:
        """A column of 0 and 1 for each quintile of each of the three, (n, 15)."""
        levels = np.arange(QUINTILES)
        scores = [
            np.searchsorted(cuts, values) for cuts, values in zip(self.cuts, history.T, strict=True)
        ]
        columns: Array = np.hstack([(s[:, None] == levels).astype(float) for s in scores])
        return columns
