"""A fitted scikit-learn mixture as a segment model."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]


class FittedMixture(Protocol):
    """What `from_sklearn` reads of a fitted sklearn.mixture.GaussianMixture."""

    covariance_type: CovarianceType
    weights_: Array
    means_: Array
    covariances_: Array
    precisions_cholesky_: Array


def from_sklearn(mixture: FittedMixture, features: tuple[Feature, ...]) -> SegmentModel:
    """A fitted scikit-learn GaussianMixture as a SegmentModel, factors taken over unchanged.

    features: one per column that the mixture was fitted on, in order
    """
    count, size = mixture.means_.shape

    def square(values: Array, k: int) -> Array:
        shape = mixture.covariance_type
        if shape == "tied":
            return values
        whole: Array = values[k] if shape == "full" else np.diag(np.broadcast_to(values[k], size))
        return whole

    components = tuple(
        Component.from_factor(
            f"s{k + 1}",
            float(mixture.weights_[k]),
            mixture.means_[k],
            square(mixture.covariances_, k),
            square(mixture.precisions_cholesky_, k),
        )
        for k in range(count)
    )
    return SegmentModel(
        covariance_type=mixture.covariance_type, features=features, components=components
    )
