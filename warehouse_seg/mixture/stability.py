"""Whether a segmentation repeats: refits on bootstrap samples, compared with the original customer by customer.

Two reasons can make a refit differ, and only one of them is the data's. So every bootstrap sample is fitted twice:
*cold*, by a search that knows nothing, and *warm*, from the optimum of the whole sample. The better of both objectives
stands for the bootstrap. Where that is the warm one, the cold search has failed, which says nothing of the data; where
it is the cold one and its customers fall otherwise, the segmentation does not repeat.

What repeats need not be groups of people: the shape of one feature repeats as well. `structure_gain` asks for more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import QUICK, Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.search import (
    MIN_EIGENVALUE,
    REGULARIZATION,
    ROUGH_TOLERANCE,
    best_nondegenerate_fit,
    is_degenerate,
)

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

BOOTSTRAPS = 6
BOOTSTRAP_ROWS = 10_000
"""Smaller samples than the one that was fitted repeat less than it does; larger ones take longer than the search."""
WARM_ITERATIONS = 300


@dataclass(frozen=True)
class Stability:
    """How well a segmentation repeats over bootstrap samples.

    agreement: mean adjusted Rand index of the top segments, 1 where nobody moves, 0 as by chance
    jaccard: per component, mean over bootstraps of the best overlap with any refitted one, |A and B| / |A or B|
    search_failures: share of the bootstraps where the cold search ended below the warm one
    """

    agreement: float
    jaccard: tuple[float, ...]
    search_failures: float


def bootstrap_stability(
    statistics: em.SufficientStatistics,
    parameters: Parameters,
    shape: Shape,
    seed: int,
    bootstraps: int = BOOTSTRAPS,
    min_eigenvalue: float = MIN_EIGENVALUE,
) -> Stability:
    """Refit on bootstrap samples and compare the top segments of the original customers.

    parameters: the optimum of all of them
    min_eigenvalue: smallest eigenvalue of a covariance below which a refit has collapsed, and repeats nothing
    The bootstrap samples have at most 10,000 rows. The overlap of clusters is that of Hennig (2007), *Cluster-wise
    assessment of cluster stability*.
    """
    original = top_components(statistics, parameters)
    agreements, overlaps, failures = [], [], 0
    for rows in bootstrap_rows(len(statistics), seed, bootstraps):
        best, failed = refitted(statistics[rows], parameters, shape, seed, min_eigenvalue)
        failures += failed
        if best is None:
            agreements.append(0.0)
            overlaps.append(np.zeros(shape.n_components))
            continue
        again = top_components(statistics, best.parameters)
        agreements.append(adjusted_rand_score(original, again))
        overlaps.append(_best_jaccard(contingency(original, again, shape.n_components)))
    return Stability(
        agreement=float(np.mean(agreements)),
        jaccard=tuple(np.mean(overlaps, axis=0).tolist()),
        search_failures=failures / bootstraps,
    )


def refitted(
    statistics: em.SufficientStatistics,
    parameters: Parameters,
    shape: Shape,
    seed: int,
    min_eigenvalue: float = MIN_EIGENVALUE,
) -> tuple[em.EMResult | None, bool]:
    """The better of a cold and a warm fit to these customers, and whether the cold search ended below the warm one.

    parameters: where the warm fit starts
    None where both collapse.
    """
    warm = _warm(statistics, parameters, shape, min_eigenvalue)
    cold = best_nondegenerate_fit(
        statistics, shape, seed, budget=QUICK, min_eigenvalue=min_eigenvalue
    )
    failed = warm is not None and (cold is None or cold.objective <= warm.objective)
    reached = [fit for fit in (warm, cold) if fit is not None]
    return max(reached, key=lambda fit: fit.objective, default=None), failed


def structure_gain(
    z: Array,
    rounding_variance: Array,
    parameters: Parameters,
    shape: Shape,
    seed: int,
    weights: Array | None = None,
) -> float:
    """What a mixture says about how features go together: nats per customer, beyond a single Gaussian's.

    The gain of the mixture over one Gaussian, less the same gain on customers with every column shuffled: they have the
    same features one by one, and no groups. 0 where the segments describe the features one by one.

    weights (n,): how many customers each row stands for; None where each is itself
    """
    rows = slice(BOOTSTRAP_ROWS)
    weights = None if weights is None else weights[rows]
    statistics = em.sufficient_statistics(z[rows], rounding_variance[rows], weights)
    fitted = _warm(statistics, parameters, shape, MIN_EIGENVALUE)
    generator = np.random.default_rng(seed)
    orders = [_shuffled_rows(len(statistics), weights, generator) for _ in range(z.shape[1])]
    shuffled_z = np.column_stack([z[rows][order, f] for f, order in enumerate(orders)])
    shuffled_variance = np.column_stack(
        [rounding_variance[rows][order, f] for f, order in enumerate(orders)]
    )
    shuffled = em.sufficient_statistics(shuffled_z, shuffled_variance)
    again = best_nondegenerate_fit(shuffled, shape, seed, budget=QUICK)
    if fitted is None or again is None:
        return 0.0
    gains = [
        fit.objective - _single_gaussian(each)
        for fit, each in ((fitted, statistics), (again, shuffled))
    ]
    return (gains[0] - gains[1]) / len(statistics)


def _shuffled_rows(
    count: int, weights: Array | None, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Rows for one shuffled column: each once, or drawn by weight, so that a column has the values it had by weight."""
    if weights is None:
        return generator.permutation(count)
    return generator.choice(count, count, p=weights / weights.sum())


def _single_gaussian(statistics: em.SufficientStatistics) -> float:
    everybody = np.ones((1, len(statistics)))
    parameters = em.from_responsibilities(statistics, everybody, "full", REGULARIZATION)
    return em.expectation(statistics, parameters)[1]


def top_components(statistics: em.SufficientStatistics, parameters: Parameters) -> Labels:
    """The component with the largest membership, (n,)."""
    labels: Labels = em.log_joint(statistics, parameters).argmax(axis=0)
    return labels


def contingency(first: Labels, second: Labels, size: int) -> Array:
    """Customers by both labels, (size, size)."""
    table = np.zeros((size, size))
    np.add.at(table, (first, second), 1)
    return table


def bootstrap_rows(count: int, seed: int, bootstraps: int) -> Iterator[NDArray[np.int64]]:
    """Which customers each bootstrap sample draws; the same ones for every method that is compared."""
    generator = np.random.default_rng([seed, count])
    for _ in range(bootstraps):
        yield generator.integers(count, size=min(count, BOOTSTRAP_ROWS))


def _warm(
    statistics: em.SufficientStatistics,
    parameters: Parameters,
    shape: Shape,
    min_eigenvalue: float,
) -> em.EMResult | None:
    try:
        fit = em.fit_em(
            statistics,
            parameters,
            shape.covariance_type,
            regularization=REGULARIZATION,
            tolerance=ROUGH_TOLERANCE,
            iterations=WARM_ITERATIONS,
        )
    except np.linalg.LinAlgError:
        return None
    return None if is_degenerate(fit.parameters, len(statistics), min_eigenvalue) else fit


def _best_jaccard(table: Array) -> Array:
    """Per row, the best overlap with any column; 1 for a component that is nobody's top segment."""
    either = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    best: Array = (table / np.maximum(either, 1)).max(axis=1)
    return np.where(table.sum(axis=1) > 0, best, 1.0)
