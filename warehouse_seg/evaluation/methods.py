"""Simpler ways to make segments: k-means, Ward, DBSCAN, spectral clustering, RFM rules.

Each method takes customers and returns a label for each, `UNASSIGNED` for customers without a segment.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN, KMeans, SpectralClustering
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from warehouse_seg.evaluation.rfm_rules import rfm_groups, rfm_scores
from warehouse_seg.mixture.curves import below_chord
from warehouse_seg.mixture.initialization import ward_labels

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

UNASSIGNED = -1
HIERARCHY_ROWS = 2_500
SPECTRAL_ROWS = 1_500
"""These methods compare every pair of customers; the others take the label of the nearest compared customer."""

NEIGHBOURS = 10


@dataclass(frozen=True)
class Customers:
    """What the methods see.

    z: standardised features (n, D); history: recency, order count and net spend (n, 3), None without an order history
    """

    z: Array
    history: Array | None

    def take(self, rows: NDArray[np.int64]) -> Customers:
        """These customers only."""
        return Customers(self.z[rows], None if self.history is None else self.history[rows])


Method = Callable[[Customers], Labels]


def methods_for(customers: Customers, count: int, seed: int) -> dict[str, Method]:
    """Name → method, those that these customers allow: RFM rules need an order history."""

    def kmeans(sample: Customers) -> Labels:
        labels: Labels = KMeans(count, n_init=10, random_state=seed).fit_predict(sample.z)
        return labels

    def ward(sample: Customers) -> Labels:
        part = sample.z[:HIERARCHY_ROWS]
        return nearest_label(sample.z, part, ward_labels(part, count))

    methods = {
        "k-means": kmeans,
        "Ward hierarchical": ward,
        "DBSCAN": lambda sample: density(sample.z),
        "spectral": lambda sample: spectral(sample.z, count, seed),
    }
    return methods if customers.history is None else methods | {"RFM rules": rules}


def rules(customers: Customers) -> Labels:
    """The usual groups by quintiles of recency and order count, cut among these customers."""
    if customers.history is None:
        raise ValueError("RFM rules need an order history")
    return rfm_groups(rfm_scores(*customers.history.T))


def density(z: Array) -> Labels:
    """DBSCAN with a distance at the knee of the distances to the 2 D-th neighbour (Sander et al., 1998). z (n, D)."""
    part = z[:HIERARCHY_ROWS]
    count = min(2 * z.shape[1], len(part) - 1)
    distances, _ = NearestNeighbors(n_neighbors=count + 1).fit(part).kneighbors(part)
    reach = knee(np.sort(distances[:, -1]))
    # Many equal customers have a distance of zero, and DBSCAN takes positive ones only.
    labels = DBSCAN(eps=max(reach, 1e-9), min_samples=count).fit_predict(part)
    return nearest_label(z, part, labels)


def knee(ascending: Array) -> float:
    """Where an ascending curve (n,) bends up: the point farthest below the line from its first to its last one."""
    below = below_chord(np.arange(len(ascending), dtype=float), ascending)
    return float(ascending[below.argmax()])


def spectral(z: Array, count: int, seed: int) -> Labels:
    """Spectral clusters of the graph of nearest neighbours. z (n, D)."""
    part = z[:SPECTRAL_ROWS]
    clustering = SpectralClustering(
        count,
        affinity="nearest_neighbors",
        n_neighbors=NEIGHBOURS,
        assign_labels="cluster_qr",
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A graph in several pieces describes the customers and is no error: the pieces become clusters.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        labels = clustering.fit_predict(part)
    return nearest_label(z, part, labels)


def nearest_label(z: Array, part: Array, labels: Labels) -> Labels:
    """The label (n,) of the nearest customer of `part` (m, D), whose labels (m,) are known. z (n, D)."""
    carried: Labels = KNeighborsClassifier(1).fit(part, labels).predict(z)
    return carried
