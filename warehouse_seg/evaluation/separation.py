"""How far the segments of a model lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.affinity import affinities

MERGE_AFFINITY = float(np.exp(-0.5))
"""Bhattacharyya coefficient of two equal round Gaussians two standard deviations apart; nearer ones have one peak."""


@dataclass(frozen=True)
class SegmentPair:
    """Two segments.

    affinity: Bhattacharyya coefficient, 0 (apart) to 1 (equal); merge: whether to treat them as one segment
    """

    first: str
    second: str
    affinity: float
    merge: bool


def separation(model: SegmentModel) -> tuple[SegmentPair, ...]:
    """Every pair of segments, those that overlap most first."""
    keys = [component.segment_key for component in model.components]
    affinity = affinities(model, model)
    pairs = [
        SegmentPair(keys[i], keys[j], float(affinity[i, j]), bool(affinity[i, j] >= MERGE_AFFINITY))
        for i, j in combinations(range(len(keys)), 2)
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.affinity))
