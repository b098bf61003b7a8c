"""Finds the best optimum of one shape: many starts of several kinds, screened cheaply, the best refined.

No single initialisation finds the best optimum of real customers; a union of kinds nearly always does. Every start is
ascended a few passes on a part of the sample, and only the best go on to the whole of it. The spread of the optima that
were reached is kept: where good starts end far apart, the surface is rough and a person should know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans, kmeans_plusplus

from warehouse_seg.mixture import em
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

HIERARCHY = 1_000
ROUGH_TOLERANCE = 1e-4
TOLERANCE = 1e-5
"""Nats per customer and pass: rough decides which start goes on, the finer one where an optimum is reached."""

REGULARIZATION = 1e-6
"""Keeps a factorisation possible; far below any variance that describes behaviour."""

MIN_EIGENVALUE = 1e-3
"""A component whose standard deviation is below 3 % of the population's along some direction is a spike."""

COLD_START_MARGIN = 0.01
"""Nats per customer by which a cold search has to end better before a person is told. Bootstrap samples of one shop
differ by more than that, so that less would be a report of chance."""

MIN_EFFECTIVE_CUSTOMERS = 2.0 - 1e-6
"""Customers of a component, the expected ones counted in parts; a hair less than two, as sums of memberships are."""

INIT_REGULARIZATION = 1e-3
"""Added to the covariances of a hard partition, whose smallest clusters may be a handful of equal customers."""


@dataclass(frozen=True)
class Shape:
    """What a mixture is before it is fitted."""

    n_components: int
    covariance_type: CovarianceType

    def __str__(self) -> str:
        return f"{self.n_components} segments, {self.covariance_type}"


@dataclass(frozen=True)
class SearchResult:
    """The best optimum of a shape, and where all starts that were refined ended, the best first."""

    best: em.EMResult
    fits: tuple[em.EMResult, ...]


def search(
    statistics: em.SufficientStatistics,
    shape: Shape,
    seed: int,
    *,
    smaller: Parameters | None = None,
    regularization: float = REGULARIZATION,
    budget: SearchBudget | None = None,
    min_eigenvalue: float = MIN_EIGENVALUE,
) -> SearchResult:
    """The best optimum that the union of starts reaches, a collapsed one only where there is no other.

    smaller: the optimum with one component less; its splits are starts as well
    effort: how many starts, and how far they are followed; thorough by default
    min_eigenvalue: smallest eigenvalue of a covariance below which an optimum has collapsed
    Raises numpy.linalg.LinAlgError where no start survives.
    """
    budget = budget or FULL
    part = np.random.default_rng(seed).permutation(len(statistics))[: budget.screened]
    ascent = _Ascent(shape.covariance_type, regularization, min_eigenvalue)
    kinds = enumerate(budget.partitions)
    starts = _starts(statistics[part], shape, seed, kinds, smaller, regularization)
    screened = ascent.of_all(statistics[part], starts, budget.iterations, ROUGH_TOLERANCE)
    kept = [fit.parameters for fit in _distinct(screened)[: budget.refined]]
    refined = ascent.of_all(statistics, kept, 1_000, ROUGH_TOLERANCE)
    best = ascent.of_all(
        statistics, [fit.parameters for fit in refined[:1]], 1_000, budget.tolerance
    )
    if not best:
        raise np.linalg.LinAlgError("every start ended in a singular covariance")
    return SearchResult(best[0], tuple(refined))


def best_nondegenerate_fit(
    statistics: em.SufficientStatistics,
    shape: Shape,
    seed: int,
    *,
    budget: SearchBudget | None = None,
    min_eigenvalue: float = MIN_EIGENVALUE,
) -> em.EMResult | None:
    """The best optimum of a search, None where every one has collapsed. Arguments as in `search`."""
    try:
        best = search(statistics, shape, seed, budget=budget, min_eigenvalue=min_eigenvalue).best
    except np.linalg.LinAlgError:
        return None
    return None if is_degenerate(best.parameters, len(statistics), min_eigenvalue) else best


def is_degenerate(
    parameters: Parameters, customers: int, min_eigenvalue: float = MIN_EIGENVALUE
) -> bool:
    """Whether a component stands on (nearly) equal customers or on a single one: there likelihood means nothing."""
    alone = parameters.weights.min() * customers < MIN_EFFECTIVE_CUSTOMERS
    return bool(alone or parameters.smallest_eigenvalue < min_eigenvalue)


@dataclass(frozen=True)
class _Ascent:
    """EM from many starts, with what stays the same for all of them."""

    covariance_type: CovarianceType
    regularization: float
    min_eigenvalue: float

    def of_all(
        self,
        statistics: em.SufficientStatistics,
        starts: Iterable[Parameters],
        iterations: int,
        tolerance: float,
    ) -> list[em.EMResult]:
        """Where the starts end that do not run into a singular covariance, the best first, collapsed ones last."""
        fits = [
            fit
            for start in starts
            if (fit := self._of(statistics, start, iterations, tolerance)) is not None
        ]

        def order(fit: em.EMResult) -> tuple[bool, float]:
            degenerate = is_degenerate(fit.parameters, len(statistics), self.min_eigenvalue)
            return degenerate, -fit.objective

        return sorted(fits, key=order)

    def _of(
        self,
        statistics: em.SufficientStatistics,
        start: Parameters,
        iterations: int,
        tolerance: float,
    ) -> em.EMResult | None:
        try:
            return em.fit_em(
                statistics,
                start,
                self.covariance_type,
                regularization=self.regularization,
                iterations=iterations,
                tolerance=tolerance,
            )
        except np.linalg.LinAlgError:
            return None


def _distinct(fits: list[em.EMResult]) -> list[em.EMResult]:
    """Without those that ended on (nearly) the same objective as a better one."""
    kept: list[em.EMResult] = []
    for fit in fits:
        if all(
            abs(fit.objective - other.objective) > 1e-4 * abs(other.objective) for other in kept
        ):
            kept.append(fit)
    return kept


def _starts(
    statistics: em.SufficientStatistics,
    shape: Shape,
    seed: int,
    kinds: Iterable[tuple[int, Partition]],
    smaller: Parameters | None,
    regularization: float,
) -> Iterator[Parameters]:
    for kind, partition in kinds:
        generator = np.random.default_rng([seed, shape.n_components, kind])
        labels = partition(statistics.z, shape.n_components, generator)
        one_hot = np.eye(shape.n_components)[labels].T
        yield em.from_responsibilities(
            statistics, one_hot, shape.covariance_type, regularization + INIT_REGULARIZATION
        )
    if smaller is not None:
        yield from _splits(smaller)


def _kmeans(z: Array, count: int, generator: np.random.Generator) -> Labels:
    state = int(generator.integers(2**31))
    labels: Labels = KMeans(count, n_init=1, random_state=state).fit_predict(z)
    return labels


def _kmeans_standardized(z: Array, count: int, generator: np.random.Generator) -> Labels:
    """k-means where every feature counts alike, whatever its unit."""
    return _kmeans((z - z.mean(axis=0)) / z.std(axis=0), count, generator)


def _kmeans_whitened(z: Array, count: int, generator: np.random.Generator) -> Labels:
    """k-means after the features' correlations are taken out."""
    values, vectors = np.linalg.eigh(np.cov(z, rowvar=False).reshape(z.shape[1], z.shape[1]))
    whitened = (z - z.mean(axis=0)) @ vectors / np.sqrt(np.maximum(values, 1e-3 * values.max()))
    return _kmeans(whitened, count, generator)


def _nearest_seeds(z: Array, count: int, generator: np.random.Generator) -> Labels:
    centers, _ = kmeans_plusplus(z, count, random_state=int(generator.integers(2**31)))
    return _nearest(z, centers)


def _nearest_rows(z: Array, count: int, generator: np.random.Generator) -> Labels:
    return _nearest(z, z[generator.choice(len(z), count, replace=False)])


def _hierarchy(z: Array, count: int, generator: np.random.Generator) -> Labels:
    """Ward's clusters of some customers; the others go with the nearest centre."""
    part = z[generator.permutation(len(z))[:HIERARCHY]]
    cut = fcluster(linkage(part, "ward"), count, "maxclust") - 1
    centers = np.array([part[cut == label].mean(axis=0) for label in range(cut.max() + 1)])
    return _nearest(z, centers)


def _nearest(z: Array, centers: Array) -> Labels:
    distances = ((z[:, None, :] - centers[None]) ** 2).sum(axis=2)
    labels: Labels = distances.argmin(axis=1)
    return labels


Partition = Callable[[Array, int, np.random.Generator], Labels]


@dataclass(frozen=True)
class SearchBudget:
    """How hard a search tries.

    partitions: a start from each, ascended `passes` times on `screened` customers
    refined: so many of the best go on to all customers
    tolerance: nats per customer and pass at which the best of those has arrived
    """

    partitions: tuple[Partition, ...]
    screened: int
    refined: int
    iterations: int = 30
    tolerance: float = TOLERANCE


FULL = SearchBudget(
    partitions=(
        _kmeans,
        _kmeans_standardized,
        _kmeans_whitened,
        _kmeans_whitened,
        _hierarchy,
        _nearest_seeds,
        _nearest_seeds,
        _nearest_rows,
        _nearest_rows,
    ),
    screened=3_000,
    refined=4,
    iterations=50,
)
QUICK = SearchBudget(
    partitions=(_kmeans, _kmeans_whitened, _hierarchy, _nearest_seeds), screened=1_500, refined=1
)
"""For a question that is asked many times, such as whether bootstrap samples repeat a segmentation."""


def _splits(parameters: Parameters) -> Iterator[Parameters]:
    """Every component once in two halves, along its longest axis, a standard deviation apart each."""
    for k in np.argsort(-parameters.weights):
        values, vectors = np.linalg.eigh(parameters.covariances[k])
        axis = vectors[:, -1] * np.sqrt(values[-1])
        halved = parameters.covariances[k] - 0.5 * np.outer(axis, axis)
        weights = np.append(parameters.weights, parameters.weights[k] / 2)
        weights[k] /= 2
        means = np.vstack([parameters.means, parameters.means[k] + 0.7 * axis])
        means[k] -= 0.7 * axis
        covariances = np.concatenate([parameters.covariances, halved[None]])
        covariances[k] = halved
        yield Parameters(weights, means, covariances)
