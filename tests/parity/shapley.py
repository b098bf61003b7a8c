"""Shapley values by their definition: every order in which features could join, nothing assumed of the function.

The log odds come from covariances and their determinants, never from the factors that the product uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.component import Component
from warehouse_seg.model.segment_model import SegmentModel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """Of one customer over its d measured features: f at the midpoint and at the customer, phi (d,), z - r (d,).

    largest: of |v(S)| over all subsets, what rounding is measured by
    """

    base: float
    log_odds: float
    phi: Array
    deviation: Array
    largest: float


def brute_force(model: SegmentModel, z: Array, ours: str, theirs: str) -> Reference:
    """z (D,), NaN where nothing was measured; ours, theirs: keys of the segment and of the runner-up."""
    places = np.flatnonzero(~np.isnan(z))
    first, other = (segment_of(model, key) for key in (ours, theirs))
    midpoint = (np.array(first.mean) + np.array(other.mean))[places] / 2
    size = len(places)
    worth = {
        subset: _log_odds(first, other, np.where(_in(subset, size), z[places], midpoint), places)
        for subset in chain.from_iterable(combinations(range(size), n) for n in range(size + 1))
    }
    phi = np.array([_shapley(worth, i, size) for i in range(size)])
    largest = max(abs(value) for value in worth.values())
    everything = tuple(range(size))
    return Reference(worth[()], worth[everything], phi, z[places] - midpoint, largest)


def segment_of(model: SegmentModel, key: str) -> Component:
    return next(c for c in model.components if c.segment_key == key)


def log_joint(component: Component, z: Array, places: NDArray[np.intp]) -> float:
    """Ln w + ln N(z | the component over the features at `places`)."""
    covariance = np.array(component.covariance)[np.ix_(places, places)]
    centered = z - np.array(component.mean)[places]
    _, log_determinant = np.linalg.slogdet(2 * np.pi * covariance)
    distance = centered @ np.linalg.solve(covariance, centered)
    return float(np.log(component.weight) - log_determinant / 2 - distance / 2)


def _log_odds(first: Component, other: Component, z: Array, places: NDArray[np.intp]) -> float:
    return log_joint(first, z, places) - log_joint(other, z, places)


def _in(subset: Sequence[int], size: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(size), subset)


def _shapley(worth: dict[tuple[int, ...], float], i: int, size: int) -> float:
    total = 0.0
    for subset, value in worth.items():
        if i not in subset:
            orders = factorial(len(subset)) * factorial(size - len(subset) - 1) / factorial(size)
            total += orders * (worth[tuple(sorted((*subset, i)))] - value)
    return total
