"""How alike two Gaussians are: the Bhattacharyya coefficient of components, in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.segment_model import SegmentModel

Array = NDArray[np.float64]


def same_feature_space(old: SegmentModel, new: SegmentModel) -> bool:
    """Whether standardised values of both models mean the same."""
    return [f.to_macro() for f in old.features] == [f.to_macro() for f in new.features]


def affinities(old: SegmentModel, new: SegmentModel) -> Array:
    """Bhattacharyya coefficients of all pairs of components, (K_old, K_new), from 0 (apart) to 1 (equal).

    exp(-D) with D = 1/8 d' S^-1 d + 1/2 ln(det S / sqrt(det S_1 det S_2)), S = (S_1 + S_2) / 2, d = m_1 - m_2.
    """
    return np.array(
        [
            [_affinity(a.mean, a.covariance, b.mean, b.covariance) for b in new.components]
            for a in old.components
        ]
    )


def _affinity(
    mean_1: Sequence[float],
    covariance_1: Sequence[Sequence[float]],
    mean_2: Sequence[float],
    covariance_2: Sequence[Sequence[float]],
) -> float:
    first, second = np.array(covariance_1), np.array(covariance_2)
    between = np.array(mean_1) - np.array(mean_2)
    pooled = (first + second) / 2
    quadratic = between @ np.linalg.solve(pooled, between) / 8
    determinants = [np.linalg.slogdet(matrix)[1] for matrix in (pooled, first, second)]
    return float(np.exp(-quadratic - (determinants[0] - sum(determinants[1:]) / 2) / 2))
