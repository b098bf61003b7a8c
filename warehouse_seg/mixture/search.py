"""Finds the best optimum of one shape: many starts of several kinds, screened cheaply, the best refined.

No single initialisation finds the best optimum of real customers; a union of kinds nearly always does. Every start is
given a few EM iterations on a part of the sample, and only the best go on to the whole of it. The spread of the
optima that were reached is kept: where good starts end far apart, the surface is rough and a person should know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import FULL, SearchBudget, Shape, starting_points
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]


Labels = NDArray[np.intp]


ROUGH_TOLERANCE = 1e-4


REGULARIZATION = 1e-6
"""Keeps a factorisation possible; far below any variance that describes behaviour."""


MIN_EIGENVALUE = 1e-3
"""A component whose standard deviation is below 3 % of the population's along some direction is a spike."""


COLD_START_MARGIN = 0.01
"""Nats per customer by which a cold search has to end better before a person is told. Bootstrap samples of one shop
differ by more than that, so that less would be a report of chance."""


MIN_EFFECTIVE_CUSTOMERS = 2.0 - 1e-6
"""Customers of a component, the expected ones counted in parts; a hair less than two, as sums of memberships are."""


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
    runs = _EMRuns(shape.covariance_type, regularization, min_eigenvalue)
    kinds = enumerate(budget.partitions)
    starts = starting_points(statistics[part], shape, seed, kinds, smaller, regularization)
    screened = runs.of_all(statistics[part], starts, budget.iterations, ROUGH_TOLERANCE)
    kept = [fit.parameters for fit in _distinct(screened)[: budget.refined]]
    refined = runs.of_all(statistics, kept, 1_000, ROUGH_TOLERANCE)
    best = runs.of_all(statistics, [fit.parameters for fit in refined[:1]], 1_000, budget.tolerance)
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
class _EMRuns:
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
