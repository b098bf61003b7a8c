"""The mixture beside simpler ways to make segments, on the same customers and the same prepared features.

Arrays in, figures out; `commands/compare.py` reads the warehouse. Each method has to give compact groups that are
stable, leave no customer out, and predict what customers do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from warehouse_seg.evaluation.methods import (
    UNASSIGNED,
    Customers,
    Labels,
    Method,
    methods_for,
    nearest_label,
)
from warehouse_seg.evaluation.prediction import Prediction, compared, indicators
from warehouse_seg.evaluation.predictive_power import (
    MEMBERSHIPS,
    FrozenSplit,
    PredictivePower,
    forecasts,
    power_of,
)
from warehouse_seg.evaluation.simpler_methods import (
    Silhouettes,
    SimplerMethods,
    separation_difference,
    simpler_methods,
)
from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import cluster_criteria
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.selection import MIN_STABILITY
from warehouse_seg.mixture.stability import (
    BOOTSTRAPS,
    bootstrap_rows,
    bootstrap_stability,
    top_components,
)
from warehouse_seg.project.time_split import Unavailable

Array = NDArray[np.float64]

MIXTURE = "mixture"
STABILITY_MARGIN = 0.03
"""Adjusted Rand index by which a method may be less stable than a mixture that is itself not stable."""

CLEAR_MEMBERSHIP = 0.8
"""Top membership from which on a customer is clearly in one segment."""

MIN_ASSIGNED_SHARE = 0.95
"""Share of the customers that a segmentation has to give a segment."""


@dataclass(frozen=True)
class MethodResult:
    """One method and what its segments are worth.

    unassigned: share of the customers that it gives no segment, weighted where the model is
    silhouette, davies_bouldin (lower is better), calinski_harabasz: on at most 2,000 customers, without the unassigned
    stability: mean adjusted Rand index over bootstrap samples; agreement: with the mixture's top segments; each row
        counts once
    from_labels: prediction of the time after an earlier day from the method's labels; None without a time split
    from_memberships: the same from memberships, which only the mixture has
    as_good_as_mixture: None for the mixture itself
    """

    method: str
    segments: int
    unassigned: float
    silhouette: float | None
    davies_bouldin: float | None
    calinski_harabasz: float | None
    stability: float
    agreement: float
    from_labels: Prediction | None = None
    from_memberships: Prediction | None = None
    as_good_as_mixture: bool | None = None


@dataclass(frozen=True)
class MethodComparison:
    """All methods on the same customers.

    methods: the mixture first
    time_split: the window, and what memberships and simpler sources predict; Unavailable where there are no predictions
    simpler_methods: the same verdict as `validate` gives
    unclear_share: share of the customers whose top membership is below 0.8, weighted where the model is
    """

    methods: tuple[MethodResult, ...]
    time_split: PredictivePower | Unavailable
    simpler_methods: SimplerMethods
    unclear_share: float


def compare(
    customers: Customers,
    statistics: em.SufficientStatistics,
    parameters: Parameters,
    shape: Shape,
    seed: int,
    split: FrozenSplit | Unavailable,
) -> MethodComparison:
    """The mixture and every other method, each with as many segments where it asks for a number.

    customers, statistics: the same customers; parameters: the mixture
    split: two earlier days and what came after each, for predictions
    """
    top = top_components(statistics, parameters)
    methods = methods_for(customers, shape.n_components, seed)
    labels = {MIXTURE: top} | {name: method(customers) for name, method in methods.items()}
    stability = {MIXTURE: bootstrap_stability(statistics, parameters, shape, seed).agreement} | {
        name: bootstrap_agreement(method, customers, labels[name], seed)
        for name, method in methods.items()
    }
    power, predicted = _predicted(split, methods, shape, seed)
    mixture, *others = (
        replace(
            _method_result(name, own, statistics, top),
            stability=stability[name],
            from_labels=predicted.get(name),
            from_memberships=predicted.get(MEMBERSHIPS) if name == MIXTURE else None,
        )
        for name, own in labels.items()
    )
    judged = (replace(m, as_good_as_mixture=_is_as_good(m, mixture)) for m in others)
    memberships, _ = em.expectation(statistics, parameters)
    unclear = memberships.max(axis=0) < CLEAR_MEMBERSHIP
    separate = {method.method: method.silhouette for method in others}
    return MethodComparison(
        methods=(mixture, *judged),
        time_split=power,
        simpler_methods=simpler_methods(
            power, Silhouettes(mixture.silhouette, separate.get("k-means"))
        ),
        unclear_share=float(np.average(unclear, weights=statistics.weights)),
    )


def _predicted(
    split: FrozenSplit | Unavailable, methods: Mapping[str, Method], shape: Shape, seed: int
) -> tuple[PredictivePower | Unavailable, Mapping[str, Prediction]]:
    """What memberships predict beside simpler sources, and what each method's labels predict."""
    if isinstance(split, Unavailable):
        return split, {}
    memberships = split.memberships(shape, seed)
    if isinstance(memberships, Unavailable):
        return memberships, {}
    power = power_of(split, forecasts(split, memberships, seed))
    return power, label_predictions(split, memberships, methods)


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
    split: FrozenSplit, memberships: tuple[Array, Array], methods: Mapping[str, Method]
) -> dict[str, Prediction]:
    """Source → how well a method's labels, or memberships, of two windows ago predict the window after the next day.

    memberships: of both days' customers, (n, K) and (m, K)
    A method labels the first customers; a second one has the label of the nearest first one, in the features.
    """
    first, second = split.first.z, split.second.z
    customers = Customers(first, split.time_split.first.history)
    levels = np.arange(memberships[0].shape[1])
    top, later_top = (indicators(each.argmax(axis=1), levels) for each in memberships)
    predicted = {
        MIXTURE: split.forecast(top, later_top),
        MEMBERSHIPS: split.forecast(*memberships),
    }
    for name, method in methods.items():
        labels = method(customers)
        later = nearest_label(second, first, labels)
        occurring = np.unique(labels)
        predicted[name] = split.forecast(
            indicators(labels, occurring), indicators(later, occurring)
        )
    return {prediction.source: prediction for prediction in compared(predicted)}


def _method_result(
    name: str, labels: Labels, statistics: em.SufficientStatistics, top: Labels
) -> MethodResult:
    """Everything but stability and predictions."""
    assigned = labels != UNASSIGNED
    criteria = cluster_criteria(statistics.z[assigned], labels[assigned])
    return MethodResult(
        method=name,
        segments=len(np.unique(labels[assigned])),
        unassigned=float(1 - np.average(assigned, weights=statistics.weights)),
        silhouette=criteria.get("silhouette"),
        davies_bouldin=criteria.get("davies_bouldin"),
        calinski_harabasz=criteria.get("calinski_harabasz"),
        stability=0.0,
        agreement=float(adjusted_rand_score(top, labels)),
    )


def _is_as_good(method: MethodResult, mixture: MethodResult) -> bool:
    """Whether the simpler method is enough for a reader who needs one label per customer."""
    if method.segments < 2 or method.unassigned > 1 - MIN_ASSIGNED_SHARE:
        return False
    if method.stability < min(MIN_STABILITY, mixture.stability - STABILITY_MARGIN):
        return False
    prediction = method.from_labels
    if prediction is None:
        return separation_difference(method.silhouette or 0.0, mixture.silhouette or 0.0) >= 0
    return "better" not in (prediction.spend_comparison, prediction.buying_comparison)
