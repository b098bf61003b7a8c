"""One customer in the space of the features that were measured, and every component's Gaussian there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.segment_model import (
    Component,
    Feature,
    SegmentModel,
    log_norm_of,
    precision_cholesky,
)
from warehouse_seg.model.transforms import TRANSFORMS

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MarginalGaussian:
    """A component over the features that were measured: mean (D,), its precision's factor (D, D), log_norm."""

    mean: Array
    factor: Array
    log_norm: float

    @classmethod
    def of(cls, component: Component, places: NDArray[np.intp]) -> MarginalGaussian:
        """The marginal of a component over the features at these places."""
        mean, covariance = np.array(component.mean), np.array(component.covariance)
        if len(places) == len(mean):
            return cls(mean, np.array(component.precision_cholesky), component.log_norm)
        factor = np.empty((0, 0))
        if len(places):
            factor = precision_cholesky(covariance[np.ix_(places, places)])
        return cls(mean[places], factor, log_norm_of(component.weight, factor))

    @property
    def precision(self) -> Array:
        """The inverse of the covariance, (D, D)."""
        precision: Array = self.factor @ self.factor.T
        return precision

    def log_joint(self, z: Array) -> float:
        """Ln w + ln N(z) at z (D,)."""
        whitened = (z - self.mean) @ self.factor
        return self.log_norm - 0.5 * float(whitened @ whitened)

    def gradient(self, z: Array) -> Array:
        """Of the log joint density at z, (D,)."""
        gradient: Array = self.factor @ ((self.mean - z) @ self.factor)
        return gradient


@dataclass(frozen=True)
class MeasuredCustomer:
    """A customer in the space of the features that were measured (D of them).

    features: those; values, z (D,): raw and standardised; gaussians: one for each of the K components
    """

    features: list[Feature]
    values: Array
    z: Array
    gaussians: list[MarginalGaussian]

    @classmethod
    def of(cls, model: SegmentModel, columns: Mapping[str, float]) -> MeasuredCustomer:
        """The customer with these raw values of the model's columns, NaN where nothing was measured."""
        arrays = {name: np.array([columns[name]], dtype=float) for name in model.column_names}
        values = np.array([f.measured(arrays)[0] for f in model.features])
        places = np.flatnonzero(~np.isnan(values))
        features = [model.features[place] for place in places]
        z = [standardized(f, values[place]) for f, place in zip(features, places, strict=True)]
        gaussians = [MarginalGaussian.of(component, places) for component in model.components]
        return cls(features, values[places], np.array(z, dtype=float), gaussians)

    @property
    def names(self) -> list[str]:
        """Of the features that were measured."""
        return [feature.feature for feature in self.features]

    def log_joint(self, z: Array) -> Array:
        """Of every component at z (D,), (K,)."""
        return np.array([gaussian.log_joint(z) for gaussian in self.gaussians])

    def top_with(self, place: int, value: float) -> int:
        """Which component is the top one where the feature at this place has another raw value."""
        z = self.z.copy()
        z[place] = standardized(self.features[place], value)
        return int(np.argmax(self.log_joint(z)))


def standardized(feature: Feature, value: float) -> float:
    """One measured value on the model's scale."""
    return float(feature.standardized(np.array([value]))[0])


def raw(feature: Feature, z: float) -> float:
    """A standardised value back in the raw unit, infinite where that overflows."""
    try:
        return TRANSFORMS[feature.transform].inverse(feature.center + feature.scale * z)
    except OverflowError:
        return math.inf
