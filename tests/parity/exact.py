"""The same scores to 60 digits: who is right where SQL and scikit-learn differ.

It starts from the numbers that both of them start from, raw values and the model's parameters as stored, and rounds
once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel

Array = NDArray[np.float64]
Number = Any  # mpmath.mpf, which has no types

DIGITS = 60

TRANSFORMS: dict[str, Callable[[Number], Number]] = {
    "identity": lambda x: x,
    "log": mpmath.log,
    "log1p": lambda x: mpmath.log(1 + x),
    "sqrt": mpmath.sqrt,
    "signed_log1p": lambda x: mpmath.sign(x) * mpmath.log(1 + abs(x)),
}


def exact_scores(model: SegmentModel, columns: Mapping[str, Array]) -> tuple[Array, Array]:
    """Memberships (n, K) and log densities (n,) of customers whose every feature is measured."""
    with mpmath.workdps(DIGITS):
        standardized = [_standardized(f, columns[f.feature]) for f in model.features]
        log_joint_of = [_log_joint(component) for component in model.components]
        customers = [
            _posterior([log_joint(z) for log_joint in log_joint_of])
            for z in zip(*standardized, strict=True)
        ]
    memberships, log_density = zip(*customers, strict=True)
    return np.array(memberships, dtype=float), np.array(log_density, dtype=float)


def _standardized(feature: Feature, values: Array) -> list[Number]:
    """Clips compare and do not compute, so the array form of a model is exact there."""
    transform = TRANSFORMS[feature.transform]
    center, scale = mpmath.mpf(feature.center), mpmath.mpf(feature.scale)
    return [(transform(mpmath.mpf(float(x))) - center) / scale for x in feature.clipped(values)]


def _log_joint(component: Component) -> Callable[[tuple[Number, ...]], Number]:
    size = len(component.mean)
    mean = [mpmath.mpf(value) for value in component.mean]
    columns_of_factor = [
        [mpmath.mpf(component.precision_cholesky[row][column]) for row in range(column + 1)]
        for column in range(size)
    ]
    log_determinant = mpmath.fsum(mpmath.log(column[-1]) for column in columns_of_factor)
    log_norm = mpmath.log(component.weight) + log_determinant - size * mpmath.log(2 * mpmath.pi) / 2

    def log_joint(z: tuple[Number, ...]) -> Number:
        centered = [value - middle for value, middle in zip(z, mean, strict=True)]
        whitened = [
            mpmath.fdot(zip(centered, column, strict=False)) for column in columns_of_factor
        ]
        return log_norm - mpmath.fdot(whitened, whitened) / 2

    return log_joint


def _posterior(log_joint: list[Number]) -> tuple[list[float], float]:
    largest = max(log_joint)
    shifted = [mpmath.exp(value - largest) for value in log_joint]
    total = mpmath.fsum(shifted)
    return [float(value / total) for value in shifted], float(largest + mpmath.log(total))
