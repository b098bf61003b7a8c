"""One customer in the space of the features that were measured, and every component's Gaussian there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.feature import Feature
from warehouse_seg.model.gaussian import WeightedGaussian
from warehouse_seg.model.segment_model import SegmentModel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredCustomer:
    """A customer in the space of the features that were measured (D of them).

    features: those; values, z (D,): raw and standardised; gaussians: one for each of the K components
    divisors (D,): what a ratio's share is divided by, 1 for a plain feature
    explained (D,): share of each feature's variance within segments that the other ones explain
    """

    features: list[Feature]
    values: Array
    z: Array
    gaussians: list[WeightedGaussian]
    divisors: Array
    explained: Array

    @classmethod
    def of(cls, model: SegmentModel, columns: Mapping[str, float]) -> MeasuredCustomer:
        """The customer with these raw values of the model's columns, NaN where nothing was measured."""
        arrays = {name: np.array([columns[name]], dtype=float) for name in model.column_names}
        values = np.array([f.measured(arrays)[0] for f in model.features])
        places = np.flatnonzero(~np.isnan(values))
        features = [model.features[place] for place in places]
        z = [standardized(f, values[place]) for f, place in zip(features, places, strict=True)]
        gaussians = [component.gaussian(places) for component in model.components]
        return cls(
            features,
            values[places],
            np.array(z, dtype=float),
            gaussians,
            np.array([_divisor(feature, columns) for feature in features]),
            _explained_by_others(model, places),
        )

    @property
    def names(self) -> list[str]:
        """Of the features that were measured."""
        return [feature.feature for feature in self.features]

    def log_joint(self, z: Array) -> Array:
        """Of every component at z (D,), (K,)."""
        return np.array([gaussian.log_joint_at(z) for gaussian in self.gaussians])

    def top_with(self, place: int, value: float) -> int:
        """Which component is the top one where the feature at this place has another raw value."""
        z = self.z.copy()
        z[place] = standardized(self.features[place], value)
        return int(np.argmax(self.log_joint(z)))


def standardized(feature: Feature, value: float) -> float:
    """One measured value on the model's scale."""
    return float(feature.standardized(np.array([value]))[0])


def _divisor(feature: Feature, columns: Mapping[str, float]) -> float:
    if feature.reference is None or feature.floor is None:
        return 1.0
    return max(columns[feature.reference], feature.floor)


def _explained_by_others(model: SegmentModel, places: NDArray[np.intp]) -> Array:
    """R² of each feature on the other measured ones under the mean covariance S of the segments, (D,).

    R²_i = 1 - 1 / (S_ii (S^-1)_ii)
    """
    weighted = [c.weight * np.array(c.covariance) for c in model.components]
    covariance = np.sum(weighted, axis=0)[np.ix_(places, places)]
    if not len(places):
        return np.empty(0)
    explained: Array = 1 - 1 / (
        np.diag(covariance) * np.diag(np.linalg.pinv(covariance, hermitian=True))
    )
    return explained
