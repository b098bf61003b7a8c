"""The mixture beside simpler ways to make segments, on the same customers and the same prepared features.

Arrays in, figures out; `commands/compare.py` reads the warehouse. What is asked of each method: whether its groups are
compact, come out again, leave nobody out, and tell what customers do next.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import DBSCAN, KMeans, SpectralClustering
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from warehouse_seg.evaluation.predictive_power import (
    Prediction,
    historical_memberships,
    indicators,
    predictions,
)
from warehouse_seg.evaluation.rfm_rules import rfm_groups, rfm_scores
from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import cluster_criteria
from warehouse_seg.mixture.search import Shape
from warehouse_seg.mixture.selection import MIN_STABILITY
from warehouse_seg.mixture.stability import (
    BOOTSTRAPS,
    bootstrap_rows,
    bootstrap_stability,
    top_components,
)
from warehouse_seg.project.time_split import TimeSplit

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

MIXTURE = "mixture"
MEMBERSHIPS = "memberships"
UNASSIGNED = -1
HIERARCHY_ROWS = 2_500
SPECTRAL_ROWS = 1_500
"""These methods compare every pair of customers; the others take the label of the nearest one that was compared."""

NEIGHBOURS = 10
AS_STABLE = 0.03
"""Adjusted Rand index by which a method may repeat less than a mixture that itself repeats badly."""

CLEAR = 0.8
"""Top membership from which on a customer is clearly of one segment."""

ASSIGNED = 0.95
"""Share of the customers that a segmentation has to give a segment to."""


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


@dataclass(frozen=True)
class Compared:
    """One method and what its segments are worth.

    unassigned: share of the customers that it gives no segment
    silhouette, davies_bouldin (lower is better), calinski_harabasz: on at most 2,000 customers, without the unassigned
    stability: mean adjusted Rand index over bootstrap samples; agreement: with the mixture's top segments
    prediction: of the time after an earlier day, from the labels; None without an order history
    by_membership: the same from memberships, which only the mixture has
    as_good: whether it does as well as the mixture, None for the mixture itself
    """

    method: str
    segments: int
    unassigned: float
    silhouette: float | None
    davies_bouldin: float | None
    calinski_harabasz: float | None
    stability: float
    agreement: float
    prediction: Prediction | None = None
    by_membership: Prediction | None = None
    as_good: bool | None = None


def compare(
    customers: Customers,
    statistics: em.SufficientStatistics,
    parameters: em.Parameters,
    shape: Shape,
    seed: int,
    time_split: TimeSplit | None = None,
) -> tuple[Compared, ...]:
    """The mixture first, then every other method, each with as many segments where it asks for a number.

    customers, moments: the same ones; parameters: the mixture; past: an earlier day and what came after it
    """
    top = top_components(statistics, parameters)
    methods = methods_for(customers, shape.n_components, seed)
    labels = {MIXTURE: top} | {name: method(customers) for name, method in methods.items()}
    stability = {
        MIXTURE: bootstrap_stability(statistics, parameters, shape, seed).agreement,
        **{
            name: bootstrap_agreement(methods[name], customers, labels[name], seed)
            for name in methods
        },
    }
    predictive_power = (
        {} if time_split is None else label_predictions(time_split, methods, shape, seed)
    )
    compared = [
        replace(
            _measured(name, found, customers.z, top),
            stability=stability[name],
            prediction=predictive_power.get(name),
            by_membership=predictive_power.get(MEMBERSHIPS) if name == MIXTURE else None,
        )
        for name, found in labels.items()
    ]
    mixture, *others = compared
    return (mixture, *(replace(one, as_good=_as_good(one, mixture)) for one in others))


def methods_for(customers: Customers, count: int, seed: int) -> dict[str, Method]:
    """Name → method, those that these customers allow."""

    def kmeans(those: Customers) -> Labels:
        labels: Labels = KMeans(count, n_init=10, random_state=seed).fit_predict(those.z)
        return labels

    def ward(those: Customers) -> Labels:
        part = those.z[:HIERARCHY_ROWS]
        cut = fcluster(linkage(part, "ward"), count, "maxclust").astype(np.intp)
        return nearest_label(those.z, part, cut)

    methods = {
        "k-means": kmeans,
        "Ward hierarchical": ward,
        "DBSCAN": lambda those: density(those.z),
        "spectral": lambda those: spectral(those.z, count, seed),
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
    found = DBSCAN(eps=max(reach, 1e-9), min_samples=count).fit_predict(part)
    return nearest_label(z, part, found)


def knee(ascending: Array) -> float:
    """Where an ascending curve (n,) bends up: the point farthest below the line from its first to its last one."""
    line = np.linspace(ascending[0], ascending[-1], len(ascending))
    return float(ascending[(line - ascending).argmax()])


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
        # A graph in several pieces is a finding about the customers, no fault: the pieces become clusters.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        labels = clustering.fit_predict(part)
    return nearest_label(z, part, labels)


def nearest_label(z: Array, part: Array, labels: Labels) -> Labels:
    """The label (n,) of the nearest customer of `part` (m, D), whose labels (m,) are known. z (n, D)."""
    carried: Labels = KNeighborsClassifier(1).fit(part, labels).predict(z)
    return carried


def bootstrap_agreement(method: Method, customers: Customers, labels: Labels, seed: int) -> float:
    """Mean adjusted Rand index, over bootstrap samples, of the labels in the sample and the original ones.

    Every customer of the sample counts once; customers outside it have no label there.
    """
    agreements = []
    for rows in bootstrap_rows(len(customers.z), seed, BOOTSTRAPS):
        again = method(customers.take(rows))
        unique, first = np.unique(rows, return_index=True)
        agreements.append(adjusted_rand_score(labels[unique], again[first]))
    return float(np.mean(agreements))


def label_predictions(
    time_split: TimeSplit, methods: Mapping[str, Method], shape: Shape, seed: int
) -> dict[str, Prediction]:
    """Method → what its labels of an earlier day say about the time after it, and what memberships say."""
    customers = Customers(time_split.statistics.z, time_split.history)
    memberships = historical_memberships(time_split, shape, seed)
    designs = {MIXTURE: indicators(memberships.argmax(axis=1)), MEMBERSHIPS: memberships}
    designs |= {name: indicators(method(customers)) for name, method in methods.items()}
    found = predictions(designs, time_split.spend, time_split.bought, seed)
    return {prediction.by: prediction for prediction in found}


def _measured(name: str, labels: Labels, z: Array, top: Labels) -> Compared:
    """Everything but stability and prediction."""
    assigned = labels != UNASSIGNED
    criteria = cluster_criteria(z[assigned], labels[assigned])
    return Compared(
        method=name,
        segments=len(np.unique(labels[assigned])),
        unassigned=float(1 - assigned.mean()),
        silhouette=criteria.get("silhouette"),
        davies_bouldin=criteria.get("davies_bouldin"),
        calinski_harabasz=criteria.get("calinski_harabasz"),
        stability=0.0,
        agreement=float(adjusted_rand_score(top, labels)),
    )


def _as_good(one: Compared, mixture: Compared) -> bool:
    """Whether somebody who needs one label per customer loses nothing by the simpler method."""
    if one.segments < 2 or one.unassigned > 1 - ASSIGNED:
        return False
    if one.stability < min(MIN_STABILITY, mixture.stability - AS_STABLE):
        return False
    if one.prediction is None:
        return (one.silhouette or 0.0) >= (mixture.silhouette or 0.0)
    return "better" not in (one.prediction.spend, one.prediction.buying)


def verdict(compared: Sequence[Compared], blended: float) -> str:
    """In plain sentences, whether something simpler would do, and what memberships add.

    blended: share of the customers whose top membership is below 0.8
    """
    mixture, *others = compared
    rivals = sorted((one for one in others if one.as_good), key=lambda one: -one.stability)
    blend = f"{blended:.0%} of these customers are not clearly of one segment (top membership below {CLEAR})"
    adds = f"{_added(mixture)}{blend}"
    if not rivals:
        return (
            f"No simpler method does as well: the mixture repeats at {mixture.stability:.2f}, and no other one repeats "
            f"and tells as much by its labels. It gives memberships besides: {adds}."
        )
    named = " and ".join(
        f"{one.method} (repeats at {one.stability:.2f}{_foretold(one)})" for one in rivals
    )
    return (
        f"Where one label per customer is all that is needed, {named} {'does' if len(rivals) == 1 else 'do'} as well "
        f"as the mixture (repeats at {mixture.stability:.2f}): take what is simpler. What only the mixture gives are "
        f"memberships: {adds}."
    )


def _added(mixture: Compared) -> str:
    """What memberships foretell beyond labels."""
    found = mixture.by_membership
    if found is None or "worse" not in (found.spend, found.buying):
        return ""
    return "they foretell more than its labels do, and "


def _foretold(one: Compared) -> str:
    if one.prediction is None:
        return ", segments as compact"
    judgements = {one.prediction.spend, one.prediction.buying} - {None}
    if not judgements:
        return ""
    return ", foretells more" if "worse" in judgements else ", foretells as much"
