"""Every figure by which people compare mixtures, of one optimum.

They can be compared within one data treatment only: the same rows, features, transforms, scale and rounding. None of
them is the truth; `mixture/selection.py` says which ones decide.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters, parameter_count
from warehouse_seg.mixture.search import (
    MIN_EIGENVALUE,
    REGULARIZATION,
    ROUGH_TOLERANCE,
    SearchResult,
)
from warehouse_seg.model.training import Candidate
from warehouse_seg.settings import ModelSettings

Array = NDArray[np.float64]

HELD_OUT = 5
"""Every fifth customer is kept out of the fit whose density of them is measured."""

MIN_MEASURED_CUSTOMERS = 10.0
"""Customers of a component, counted in parts, of whom a feature has to be known."""

DISTANCE_ROWS = 2_000
"""The silhouette compares every pair of customers; so many are enough for two decimals."""


def candidate_of(
    shape: Shape, result: SearchResult, statistics: em.SufficientStatistics, settings: ModelSettings
) -> Candidate:
    """An optimum as a candidate, with every criterion but its stability, refused where it is degenerate.

    Lower BIC, AIC and ICL are better, as in scikit-learn.
    """
    parameters = result.best.parameters
    responsibilities, objective = em.expectation(statistics, parameters)
    free = parameter_count(shape.n_components, statistics.size, shape.covariance_type)
    bic = bic_of(objective, shape, statistics)
    entropy = _entropy(responsibilities)
    refusal = degeneracy(parameters, settings) or _hardly_measured(statistics, responsibilities)
    return Candidate(
        n_components=shape.n_components,
        covariance_type=shape.covariance_type,
        log_likelihood=objective,
        bic=bic,
        aic=-2 * objective + 2 * free,
        icl=bic + 2 * entropy * len(statistics),
        held_out_log_likelihood=held_out_log_likelihood(statistics, parameters, shape),
        smallest_eigenvalue=parameters.smallest_eigenvalue,
        smallest_weight=float(parameters.weights.min()),
        mean_top_membership=float(responsibilities.max(axis=0).mean()),
        entropy=entropy,
        agreement_of_starts=_agreement(statistics, result),
        spread_of_starts=(result.fits[0].objective - result.fits[-1].objective) / statistics.total,
        converged=result.best.converged,
        status="refused" if refusal else "rejected",
        reason=refusal or "",
        **cluster_criteria(statistics.z, responsibilities.argmax(axis=0)),
    )


def bic_of(objective: float, shape: Shape, statistics: em.SufficientStatistics) -> float:
    """-2 log likelihood plus ln n for every free parameter (Schwarz 1978); lower is better, as in scikit-learn."""
    free = parameter_count(shape.n_components, statistics.size, shape.covariance_type)
    return -2 * objective + free * float(np.log(len(statistics)))


def failed_candidate(shape: Shape, reason: str) -> Candidate:
    """A shape for which no optimum was found."""
    return Candidate(
        n_components=shape.n_components,
        covariance_type=shape.covariance_type,
        status="refused",
        reason=reason,
    )


def held_out_log_likelihood(
    statistics: em.SufficientStatistics, parameters: Parameters, shape: Shape
) -> float | None:
    """Log density per customer of every fifth customer, under the model refitted without them.

    parameters: where the refit starts. None where it runs into a singular covariance.
    """
    held_out = np.arange(len(statistics)) % HELD_OUT == 0
    try:
        refit = em.fit_em(
            statistics[~held_out],
            parameters,
            shape.covariance_type,
            regularization=REGULARIZATION,
            tolerance=ROUGH_TOLERANCE,
        )
        _, total = em.expectation(statistics[held_out], refit.parameters)
    except np.linalg.LinAlgError:
        return None
    return total / statistics[held_out].total


def _entropy(responsibilities: Array) -> float:
    """Mean entropy of the memberships, in nats: 0 where everybody is certain, ln K where nobody is."""
    positive = np.where(responsibilities > 0, responsibilities, 1.0)
    return float(-(positive * np.log(positive)).sum() / responsibilities.shape[1])


def _agreement(statistics: em.SufficientStatistics, result: SearchResult) -> float:
    """Mean adjusted Rand index of every two of the refined optima; 1 where there is one only."""
    labels = [em.log_joint(statistics, fit.parameters).argmax(axis=0) for fit in result.fits]
    pairs = [adjusted_rand_score(a, b) for a, b in combinations(labels, 2)]
    return float(np.mean(pairs)) if pairs else 1.0


def degeneracy(parameters: Parameters, settings: ModelSettings) -> str | None:
    """Why a mixture cannot be chosen, None where it can: a component on equal customers, or on too few."""
    eigenvalue, weight = parameters.smallest_eigenvalue, float(parameters.weights.min())
    if eigenvalue < MIN_EIGENVALUE:
        return f"collapsed (smallest eigenvalue {eigenvalue:.1e})"
    if weight < settings.min_segment_share:
        return f"smallest segment {weight:.1%} < {settings.min_segment_share:.0%}"
    return None


def _hardly_measured(statistics: em.SufficientStatistics, responsibilities: Array) -> str | None:
    """Why a component cannot be believed: a feature that was measured for hardly any of its customers.

    Its mean and spread would be what the other features suggest, and no segment's own.
    """
    if statistics.is_complete:
        return None
    measured = responsibilities @ statistics.patterns[statistics.pattern].astype(float)
    k, feature = np.unravel_index(measured.argmin(), measured.shape)
    if measured[k, feature] >= MIN_MEASURED_CUSTOMERS:
        return None
    name = statistics.names[feature] if statistics.names else f"feature {feature + 1}"
    return f"a segment in which {name} was measured for {measured[k, feature]:.0f} customers"


def cluster_criteria(z: Array, labels: NDArray[np.intp]) -> dict[str, Any]:
    """Criteria of hard clusters, on some customers; nothing where these are all of one segment.

    z (n, D), labels (n,)
    """
    rows = np.arange(len(z))[:DISTANCE_ROWS]
    z, labels = z[rows], labels[rows]
    if len(np.unique(labels)) < 2:
        return {}
    return {
        "silhouette": float(silhouette_score(z, labels)),
        "davies_bouldin": float(davies_bouldin_score(z, labels)),
        "calinski_harabasz": float(calinski_harabasz_score(z, labels)),
    }
