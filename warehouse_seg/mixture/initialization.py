"""Where EM starts: hard partitions of several kinds, and splits of a smaller mixture."""

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


TOLERANCE = 1e-5
"""Nats per customer and pass: rough decides which start goes on, the finer one where an optimum is reached."""


INIT_REGULARIZATION = 1e-3
"""Added to the covariances of a hard partition, whose smallest clusters may be a handful of equal customers."""


@dataclass(frozen=True)
class Shape:
    """What a mixture is before it is fitted."""

    n_components: int
    covariance_type: CovarianceType

    def __str__(self) -> str:
        return f"{self.n_components} segments, {self.covariance_type}"


def starting_points(
    statistics: em.SufficientStatistics,
    shape: Shape,
    seed: int,
    kinds: Iterable[tuple[int, Partition]],
    smaller: Parameters | None,
    regularization: float,
) -> Iterator[Parameters]:
    """A start from each kind of partition, then from each split of a smaller mixture.

    kinds: numbered, so that each draws from a random stream of its own
    """
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
    cut = ward_labels(part, count)
    centers = np.array([part[cut == label].mean(axis=0) for label in range(cut.max() + 1)])
    return _nearest(z, centers)


def ward_labels(z: Array, count: int) -> Labels:
    """Ward's clusters of all customers, from 0; they compare every pair. z (n, D)."""
    labels: Labels = fcluster(linkage(z, "ward"), count, "maxclust").astype(np.intp) - 1
    return labels


def _nearest(z: Array, centers: Array) -> Labels:
    distances = ((z[:, None, :] - centers[None]) ** 2).sum(axis=2)
    labels: Labels = distances.argmin(axis=1)
    return labels


Partition = Callable[[Array, int, np.random.Generator], Labels]


@dataclass(frozen=True)
class SearchBudget:
    """How hard a search tries.

    partitions: a start from each, with so many EM iterations on `screened` customers
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


SCREENING = SearchBudget(
    partitions=(_kmeans, _kmeans_whitened), screened=1_000, refined=1, tolerance=1e-4
)
"""For a question that is asked hundreds of times and answered better later: what a feature set could be worth."""


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
