"""Customers of known types, measured as a shop measures them: whole days, whole orders, cents.

Half of a real shop's customers buy once. That can be a type of their own, or come about where infrequent types are
rounded to one order; a method that is right for one of the two may fail on the other, so both are planted. The
generators are fixed: the figures of docs/proof/evidence.md repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]
OneTimers = Literal["own type", "by rounding"]

FEATURES = ("recency_days", "order_count", "average_order_value")
SHARES = (0.45, 0.25, 0.18, 0.12)
CENTRES = np.array([[5.5, 0.15, 3.0], [3.2, 1.3, 3.2], [4.6, 1.7, 5.0], [2.6, 2.6, 4.4]])
"""Of the four types: ln recency, ln orders, ln average order value."""

DEVIATIONS = np.array([0.42, 0.36, 0.42])
SPREADS = np.array([1.1, 0.9, 1.0, 1.15])
CORRELATIONS = np.array([0.4, -0.4, 0.25, -0.2])


@dataclass(frozen=True)
class Planted:
    """Raw feature columns, each (n,), and the true type of every customer (n,)."""

    columns: dict[str, Array]
    types: NDArray[np.intp]


def covariances(kind: CovarianceType) -> Array:
    """Covariances of the types in logs, (4, 3, 3)."""
    if kind == "spherical":
        return np.array([(0.4 * spread) ** 2 * np.eye(3) for spread in SPREADS])
    if kind == "tied":
        return np.repeat(_covariance(1.0, 0.3)[None], len(SHARES), axis=0)
    correlations = CORRELATIONS if kind == "full" else np.zeros(len(SHARES))
    return np.array([_covariance(s, c) for s, c in zip(SPREADS, correlations, strict=True)])


def planted(count: int, kind: CovarianceType, one_timers: OneTimers, seed: int) -> Planted:
    """`count` customers of four types."""
    generator = np.random.default_rng([seed, count])
    types = generator.choice(len(SHARES), size=count, p=SHARES)
    logs = np.empty((count, 3))
    for index, covariance in enumerate(covariances(kind)):
        rows = types == index
        logs[rows] = generator.multivariate_normal(CENTRES[index], covariance, size=rows.sum())
    raw = np.exp(logs)
    orders = np.maximum(np.round(raw[:, 1]), 1.0)
    if one_timers == "own type":
        orders = np.where(types == 0, 1.0, np.maximum(orders, 2.0))
    columns = {
        "recency_days": np.maximum(np.round(raw[:, 0]), 1.0),
        "order_count": orders,
        "average_order_value": np.round(raw[:, 2], 2),
    }
    return Planted(columns, types.astype(np.intp))


def shuffled(columns: dict[str, Array], seed: int) -> dict[str, Array]:
    """The same columns, each in an order of its own: nobody's features belong together any more."""
    generator = np.random.default_rng(seed)
    return {name: generator.permutation(values) for name, values in columns.items()}


def bayes_error(kind: CovarianceType, draws: int = 200_000) -> float:
    """The largest pairwise error, with equal weights, of somebody who knows both types' densities, before rounding."""
    all_covariances = covariances(kind)
    generator = np.random.default_rng(1)
    errors = []
    for a in range(len(SHARES)):
        for b in range(a):
            types = [multivariate_normal(CENTRES[t], all_covariances[t]) for t in (a, b)]
            mistaken = [
                np.mean(own.logpdf(drawn) < other.logpdf(drawn))
                for own, other in (types, types[::-1])
                for drawn in [own.rvs(size=draws // 2, random_state=generator)]
            ]
            errors.append(float(np.mean(mistaken)))
    return max(errors)


def _covariance(spread: float, correlation: float) -> Array:
    deviations = spread * DEVIATIONS
    correlations = np.full((3, 3), correlation)
    np.fill_diagonal(correlations, 1.0)
    matrix: Array = correlations * np.outer(deviations, deviations)
    return matrix
