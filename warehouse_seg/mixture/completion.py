"""Sums over customers completed by what their missing features are expected to be.

With o the measured features of a pattern and m the others, of one component:

    E[z_m] = m_m + B (z_o - m_o),  Cov[z_m] = S_mm - B S_om,  B = S_mo S_oo^-1

(Dempster, Laird and Rubin 1977; Ghahramani and Jordan 1994). It needs only the sums of each pattern, so it is the same
code for customers in memory and for customers that never left the warehouse (`mixture/population_em.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.mixture.parameters import Parameters

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class PatternSums:
    """Sums of the sufficient statistics of all customers with one pattern, per component.

    measured (D,): which features these customers have; sums (K, 1 + D + D (D + 1) / 2): rows of `SufficientStatistics`
    """

    measured: Flags
    sums: Array


def completed(
    patterns: Sequence[PatternSums] | Iterator[PatternSums], parameters: Parameters
) -> Array:
    """The sums over all customers (K, P), with the parts that were not measured as these parameters expect them.

    parameters: of K components, or of one that stands for each
    """
    whole: Array = np.sum(
        [_completed(pattern_sums, parameters) for pattern_sums in patterns], axis=0
    )
    return whole


def _completed(pattern: PatternSums, parameters: Parameters) -> Array:
    """The sums (K, P) of one pattern with the parts that were not measured as they are expected."""
    measured, sums = pattern.measured, pattern.sums
    if measured.all():
        return sums
    size = len(measured)
    o, m = np.flatnonzero(measured), np.flatnonzero(~measured)
    slopes, constants, covariances = _regression(parameters, measured)
    counts, known = sums[:, 0], sums[:, 1 : size + 1][:, o]
    squares = square(sums[:, size + 1 :], size)
    predicted = np.einsum("kmo,ko->km", slopes, known)
    crossed = constants[:, :, None] * known[:, None, :] + slopes @ squares[:, o[:, None], o]
    missing = (
        counts[:, None, None] * (covariances + constants[:, :, None] * constants[:, None, :])
        + constants[:, :, None] * predicted[:, None, :]
        + predicted[:, :, None] * constants[:, None, :]
        + slopes @ squares[:, o[:, None], o] @ np.swapaxes(slopes, 1, 2)
    )
    squares[:, m[:, None], o] = crossed
    squares[:, o[:, None], m] = np.swapaxes(crossed, 1, 2)
    squares[:, m[:, None], m] = missing
    whole = sums.copy()
    whole[:, 1 + m] = counts[:, None] * constants + predicted
    rows, columns = np.triu_indices(size)
    whole[:, size + 1 :] = squares[:, rows, columns]
    return whole


def _regression(parameters: Parameters, measured: Flags) -> tuple[Array, Array, Array]:
    """Per component the missing features given the measured ones: slopes B (K, m, o), constants (K, m), covariances."""
    o, m = np.flatnonzero(measured), np.flatnonzero(~measured)
    covariances = parameters.covariances
    across = covariances[:, o[:, None], m]
    slopes = np.swapaxes(np.linalg.solve(covariances[:, o[:, None], o], across), 1, 2)
    constants = parameters.means[:, m] - np.einsum("kmo,ko->km", slopes, parameters.means[:, o])
    return slopes, constants, covariances[:, m[:, None], m] - slopes @ across


def conditional_mean(z: Array, measured: Flags, pooled: Parameters) -> Array:
    """Customers of one pattern (n, D) with the features that they lack as one Gaussian expects them."""
    o, m = np.flatnonzero(measured), np.flatnonzero(~measured)
    slopes, constants, _ = _regression(pooled, measured)
    filled = z.copy()
    filled[:, m] = constants[0] + z[:, o] @ slopes[0].T
    return filled


def square(triangles: Array, size: int) -> Array:
    """Upper triangles (K, D (D + 1) / 2) → symmetric matrices (K, D, D)."""
    rows, columns = np.triu_indices(size)
    result = np.empty((len(triangles), size, size))
    result[:, rows, columns] = triangles
    result[:, columns, rows] = triangles
    return result


def feature_count(moment_count: int) -> int:
    """D from 1 + D + D (D + 1) / 2."""
    return round((math.sqrt(8 * moment_count + 1) - 3) / 2)
