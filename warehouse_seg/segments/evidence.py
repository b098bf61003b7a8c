"""What says that a new segment continues an old one, and the verdict on each.

kept      most of its customers come from one old segment, and most of that segment's customers came along
split     one of several parts of an old segment
merged    made of several old segments that went into it
new       of no old segment
retired   an old segment that no new one continues
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from warehouse_seg.model.segment_matching import SegmentMatch, Verdict

Array = NDArray[np.float64]

MOST = 0.5
SAME_SHAPE = 0.9
"""Affinity from which on two components are the same Gaussian."""

PART = 0.2
"""Below a fifth of a segment, movement is noise of a refit and no part of its own."""


@dataclass(frozen=True)
class Evidence:
    """Who moved where (K_old, K_new), and which Gaussians are alike; no affinity across feature spaces."""

    overlap: Array
    affinity: Array | None

    @property
    def of_previous(self) -> Array:
        """What share of an old segment went into a new one."""
        share: Array = self.overlap / np.maximum(self.overlap.sum(axis=1, keepdims=True), 1)
        return share

    @property
    def of_segment(self) -> Array:
        """What share of a new segment came from an old one."""
        share: Array = self.overlap / np.maximum(self.overlap.sum(axis=0, keepdims=True), 1)
        return share

    def assignment(self) -> dict[int, int]:
        """New segment → the old one whose key it inherits: the optimal assignment, where the evidence is enough."""
        together = self.overlap.sum(axis=0) + self.overlap.sum(axis=1)[:, None] - self.overlap
        score = self.overlap / np.maximum(together, 1)
        if self.affinity is not None:
            score = (score + self.affinity) / 2
        pairs = zip(*linear_sum_assignment(-score), strict=True)
        return {int(j): int(k) for k, j in pairs if self._continues(int(k), int(j))}

    def _continues(self, k: int, j: int) -> bool:
        """Whether new segment j goes on as old segment k: customers say so, or the Gaussian is the same."""
        unchanged = self.affinity is not None and self.affinity[k, j] >= SAME_SHAPE
        followed = self.of_previous[k, j] >= MOST or self.of_segment[k, j] >= MOST
        return bool(unchanged or (followed and self.of_previous[k, j] >= PART))

    def match(
        self, j: int, key: str, old_keys: Sequence[str], assigned: int | None
    ) -> SegmentMatch:
        """The verdict on a new segment, beside an old one: the assigned one, else where most of it came from."""
        k = int(self.of_segment[:, j].argmax()) if assigned is None else assigned
        verdict = self._verdict(k, j, is_assigned=assigned is not None)
        return SegmentMatch(
            verdict=verdict,
            segment_key=key,
            previous_segment_key=None if verdict == "new" else old_keys[k],
            **self._figures(k, j),
        )

    def retirement(self, k: int, key: str) -> SegmentMatch:
        """An old segment that no new one continues, and where most of its customers went."""
        j = int(self.of_previous[k].argmax())
        return SegmentMatch("retired", None, key, **self._figures(k, j))

    def unassigned(self, assignment: dict[int, int]) -> list[int]:
        """Old segments whose key no new segment inherits."""
        return [k for k in range(len(self.overlap)) if k not in assignment.values()]

    def _verdict(self, k: int, j: int, *, is_assigned: bool) -> Verdict:
        unchanged = self.affinity is not None and self.affinity[k, j] >= SAME_SHAPE
        contributors = (self.of_previous[:, j] >= MOST) & (self.of_segment[:, j] >= PART)
        if contributors.sum() > 1:
            return "merged"
        whole = self.of_previous[k, j] >= 1 - PART and self.of_segment[k, j] >= MOST
        if is_assigned and (unchanged or whole):
            return "kept"
        if self._is_part(k, j):
            return "split"
        if is_assigned:
            return "kept"
        return "split" if self.of_previous[k, j] >= MOST else "new"

    def _is_part(self, k: int, j: int) -> bool:
        """One of several new segments made of old segment k, where k itself does not go on unchanged."""
        if self.affinity is not None and (self.affinity[k] >= SAME_SHAPE).any():
            return False
        parts = (self.of_previous[k] >= PART) & (self.of_segment[k] >= MOST)
        return bool(parts[j] and parts.sum() > 1)

    def _figures(self, k: int, j: int) -> dict[str, Any]:
        return {
            "customers": int(self.overlap[k, j]),
            "share_of_previous": float(self.of_previous[k, j]),
            "share_of_segment": float(self.of_segment[k, j]),
            "affinity": None if self.affinity is None else float(self.affinity[k, j]),
        }
