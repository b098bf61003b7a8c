"""Expectation maximisation from sums.

Everything an M-step needs of the customers is a sum: counts, sums and cross-products per component. So one customer is
one row of *sufficient statistics*, and both steps are matrix products over them:

    t_i = (1, z_i, upper triangle of z_i z_i' + diag v_i)

where v_if is the known rounding variance of customer i's feature f (zero where a value is exact). Taking
the expectation over Gaussian rounding of that variance, the E-step's quadratic form and the M-step's
cross-products both use E[z z'] = z z' + diag v, so rounding costs nothing once it is in the statistics:

    E:  ln r_ik ~ ln w_k + ln N(z_i | m_k, S_k) - 1/2 sum_f (S_k^-1)_ff v_if
    M:  S_k = sum_i r_ik ((z_i - m_k)(z_i - m_k)' + diag v_i) / N_k

The objective sum_i ln sum_k exp(...) never falls. With v = 0 this is the textbook algorithm, equal to scikit-learn's.
The formulas are those of scikit-learn's `_gaussian_mixture.py` in this layout; the rounding variance follows Sheppard's
q^2 / 12.

A feature that was not measured is marginalised, never filled in. Customers are grouped by their *pattern*, the set of
features that were measured; with o the measured features and m the others, of one component:

    E:  the Gaussian of the measured features alone, N(z_o | m_o, S_oo)
    M:  sums over z_o completed by the conditional mean and covariance of z_m given z_o:
        E[z_m] = m_m + B (z_o - m_o),  Cov[z_m] = S_mm - B S_om,  B = S_mo S_oo^-1

(Dempster, Laird and Rubin 1977; Ghahramani and Jordan 1994). Completing needs only the sums of each pattern, so it is
the same code for customers in memory and for customers that never left the warehouse (`mixture/population_em.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.features.preparation import Prepared
from warehouse_seg.mixture.completion import (
    PatternSums,
    completed,
    conditional_mean,
    feature_count,
    square,
)
from warehouse_seg.mixture.parameters import Parameters, natural_parameters
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64] | NDArray[np.bool_] | slice


POOLED_ITERATIONS = 50
"""One Gaussian converges as fast as the share of what is missing is small."""


@dataclass(frozen=True)
class EMResult:
    """Where EM ended.

    objective: a sum over all customers; iterations: how many were made; converged: whether the last one gained little
    """

    parameters: Parameters
    objective: float
    iterations: int
    converged: bool


@dataclass(frozen=True)
class SufficientStatistics:
    """Customers as both steps need them. Indexed and counted like an array of customers.

    rows (n, 1 + D + D (D + 1) / 2): zero in every place that a feature which was not measured has a part in
    patterns (G, D): the sets of features that were measured; pattern (n,): which of them a customer has
    weights (n,): how many customers a row stands for, on average one; None where each is itself
    names: of the features, for whoever speaks of them
    """

    rows: Array
    patterns: Flags
    pattern: NDArray[np.int64]
    weights: Array | None = None
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Rows) -> SufficientStatistics:
        weights = None if self.weights is None else self.weights[rows]
        return SufficientStatistics(
            self.rows[rows], self.patterns, self.pattern[rows], weights, self.names
        )

    @property
    def total(self) -> float:
        """The number of customers, weighted."""
        return float(len(self.rows) if self.weights is None else self.weights.sum())

    @property
    def size(self) -> int:
        """The number of features."""
        return len(self.patterns[0])

    @property
    def is_complete(self) -> bool:
        """Whether everything was measured for everybody."""
        return bool(self.patterns.all())

    @cached_property
    def groups(self) -> list[tuple[Flags, Rows]]:
        """Every pattern that occurs with the places of its customers."""
        if self.is_complete:
            return [(self.patterns[0], slice(None))]
        occurring = (
            (mask, np.flatnonzero(self.pattern == g)) for g, mask in enumerate(self.patterns)
        )
        return [(mask, places) for mask, places in occurring if len(places)]

    @cached_property
    def pooled(self) -> Parameters:
        """One Gaussian of all customers, (1, D): what a feature is like where nothing else is known."""
        size = self.size
        whole = Parameters(np.ones(1), np.zeros((1, size)), np.eye(size)[None])
        return (
            whole
            if self.is_complete
            else fit_em(self, whole, "full", iterations=POOLED_ITERATIONS).parameters
        )

    @cached_property
    def z(self) -> Array:
        """Standardised features (n, D), the expected one given the others where one was not measured.

        For methods that know no missing value, such as k-means; the mixture itself takes none of them.
        """
        z = np.ascontiguousarray(self.rows[:, 1 : self.size + 1])
        for measured, places in self.groups:
            if not measured.all():
                z[places] = conditional_mean(z[places], measured, self.pooled)
        return z


def sufficient_statistics(
    z: Array, rounding_variance: Array | None = None, weights: Array | None = None
) -> SufficientStatistics:
    """The statistics of standardised features (n, D), NaN where nothing was measured, and rounding variances (n, D).

    weights (n,): how many customers each row stands for; only their proportions matter
    """
    count, size = z.shape
    measured = ~np.isnan(z)
    known = np.where(measured, z, 0.0)
    rows, columns = np.triu_indices(size)
    products = known[:, rows] * known[:, columns]
    if rounding_variance is not None:
        products[:, rows == columns] += np.where(measured, rounding_variance, 0.0)
    patterns, pattern = _patterns(measured)
    if weights is not None:
        weights = weights / weights.mean()
    return SufficientStatistics(
        np.hstack([np.ones((count, 1)), known, products]), patterns, pattern, weights
    )


def statistics_of(prepared: Prepared) -> SufficientStatistics:
    """The sufficient statistics of prepared customers."""
    names = tuple(feature.feature for feature in prepared.features)
    return replace(
        sufficient_statistics(prepared.z, prepared.rounding_variance, prepared.weights), names=names
    )


def log_joint(statistics: SufficientStatistics, parameters: Parameters) -> Array:
    """Ln w_k + E ln N(z | m_k, S_k) of every customer over what was measured, (K, n): a matrix product a pattern.

    Raises numpy.linalg.LinAlgError where a covariance is not positive definite.
    """
    if statistics.is_complete:
        return natural_parameters(parameters, statistics.patterns[0]) @ statistics.rows.T
    joint = np.empty((len(parameters.weights), len(statistics)))
    for measured, places in statistics.groups:
        joint[:, places] = natural_parameters(parameters, measured) @ statistics.rows[places].T
    return joint


def expectation(statistics: SufficientStatistics, parameters: Parameters) -> tuple[Array, float]:
    """Responsibilities (K, n) and the objective, the weighted sum over customers of ln sum_k exp(log_joint)."""
    joint = log_joint(statistics, parameters)
    # In place and a component at a time: scipy's logsumexp took 5 times as long.
    largest = joint.max(axis=0)
    joint -= largest
    np.exp(joint, out=joint)
    total = joint.sum(axis=0)
    joint /= total
    densities = largest + np.log(total)
    return joint, float(
        densities.sum() if statistics.weights is None else statistics.weights @ densities
    )


def sums_of(statistics: SufficientStatistics, responsibilities: Array) -> Iterator[PatternSums]:
    """The sums of every pattern's statistics, weighted by responsibilities (K, n)."""
    if statistics.weights is not None:
        responsibilities = responsibilities * statistics.weights
    for measured, places in statistics.groups:
        yield PatternSums(measured, responsibilities[:, places] @ statistics.rows[places])


def maximization(sums: Array, covariance_type: CovarianceType, regularization: float) -> Parameters:
    """Sums of sufficient statistics per component (K, P) → the parameters that maximise the expected log likelihood.

    regularization: added to the diagonals; 0 leaves EM exact
    """
    counts = np.maximum(sums[:, 0], 10 * np.finfo(float).eps)
    size = feature_count(sums.shape[1])
    means = sums[:, 1 : size + 1] / counts[:, None]
    within = square(sums[:, size + 1 :], size) / counts[:, None, None]
    within -= means[:, :, None] * means[:, None, :]
    covariances = _constrained(within, counts, covariance_type)
    covariances[:, range(size), range(size)] += regularization
    return Parameters(counts / counts.sum(), means, covariances)


def fit_em(
    statistics: SufficientStatistics,
    start: Parameters,
    covariance_type: CovarianceType,
    *,
    regularization: float = 0.0,
    tolerance: float = 1e-5,
    iterations: int = 500,
) -> EMResult:
    """EM from `start` until the objective gains less than `tolerance` nats per customer in a pass.

    Raises numpy.linalg.LinAlgError where a covariance stops being positive definite.
    """

    def em_step(parameters: Parameters) -> tuple[Array, float]:
        responsibilities, objective = expectation(statistics, parameters)
        return completed(sums_of(statistics, responsibilities), parameters), objective

    return run_em(
        em_step,
        start,
        covariance_type,
        regularization=regularization,
        gain=tolerance * statistics.total,
        iterations=iterations,
    )


EMStep = Callable[[Parameters], tuple[Array, float]]
"""Parameters → the completed sums (K, P) of all customers under them, and the objective."""


def run_em(
    em_step: EMStep,
    start: Parameters,
    covariance_type: CovarianceType,
    *,
    regularization: float = 0.0,
    gain: float,
    iterations: int,
) -> EMResult:
    """EM over customers that only `em_step` sees, until an iteration gains less than `gain` of the objective.

    Raises numpy.linalg.LinAlgError where a covariance stops being positive definite.
    """
    parameters = start
    sums, objective = em_step(start)
    for done in range(1, iterations + 1):
        proposed = maximization(sums, covariance_type, regularization)
        sums, reached = em_step(proposed)
        parameters, previous, objective = proposed, objective, reached
        if abs(objective - previous) < gain:
            return EMResult(parameters, objective, done, True)
    return EMResult(parameters, objective, iterations, False)


def from_responsibilities(
    statistics: SufficientStatistics,
    responsibilities: Array,
    covariance_type: CovarianceType,
    regularization: float = 0.0,
) -> Parameters:
    """The M-step at given responsibilities (K, n): how labels of any other method become a start.

    What was not measured is completed as all customers together suggest.
    """
    sums = completed(sums_of(statistics, responsibilities), statistics.pooled)
    return maximization(sums, covariance_type, regularization)


def _patterns(measured: Flags) -> tuple[Flags, NDArray[np.int64]]:
    """The patterns that occur (G, D) and which of them each row (n, D) is (n,)."""
    if measured.all():
        return np.ones((1, measured.shape[1]), dtype=bool), np.zeros(len(measured), dtype=np.int64)
    patterns, pattern = np.unique(measured, axis=0, return_inverse=True)
    return patterns, pattern.reshape(-1).astype(np.int64)


def _constrained(within: Array, counts: Array, covariance_type: CovarianceType) -> Array:
    """Per-component covariances (K, D, D) → what the covariance type allows, in the same shape."""
    size = within.shape[1]
    identity = np.eye(size)
    if covariance_type == "full":
        return within
    if covariance_type == "tied":
        pooled = np.einsum("k,kij->ij", counts, within) / counts.sum()
        return np.repeat(pooled[None], len(counts), axis=0)
    diagonals = np.einsum("kii->ki", within)
    if covariance_type == "spherical":
        diagonals = np.repeat(diagonals.mean(axis=1, keepdims=True), size, axis=1)
    diagonal: Array = diagonals[:, :, None] * identity
    return diagonal
