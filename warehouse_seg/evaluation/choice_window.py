"""The window that a model is chosen on: what mixtures of the day before it predict of it.

Everything is fitted as of the first day of a time split and cross-validated within the window after it. The second
window of the split is not looked at here: on it the chosen model is measured (`evaluation/predictive_power.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError
from warehouse_seg.evaluation.prediction import (
    MIN_BUYERS,
    Forecast,
    Outcomes,
    cross_validated_forecast,
)
from warehouse_seg.evaluation.predictive_power import RFM_QUINTILES, earlier_mixture, outcomes_of
from warehouse_seg.evaluation.rfm_rules import QuintileCuts
from warehouse_seg.features.feature_sets import FeatureSet
from warehouse_seg.features.preparation import prepare
from warehouse_seg.mixture import em
from warehouse_seg.mixture.candidates import workers
from warehouse_seg.mixture.criteria import bic_of, degeneracy
from warehouse_seg.mixture.initialization import SCREENING, Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.predictive_selection import PredictiveFigures, figures_in_words
from warehouse_seg.mixture.search import best_nondegenerate_fit
from warehouse_seg.model.training import Candidate
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.project.time_split import FollowedCustomers, Unavailable
from warehouse_seg.settings import ModelSettings

Array = NDArray[np.float64]

SCREENED_ROWS = 2_500
"""Customers that a mixture is fitted to in a screening."""

PREDICTED_ROWS = 6_000
"""Customers that a screening predicts."""


@dataclass(frozen=True)
class ChoiceWindow:
    """Judges shapes on feature sets by what they predict of the window; a PredictiveCriterion.

    customers: of two windows ago, in the order of the sample
    """

    customers: FollowedCustomers
    seed: int
    _statistics: dict[str, em.SufficientStatistics | None] = field(default_factory=dict)

    @cached_property
    def outcomes(self) -> Outcomes:
        """What the customers did in the window."""
        return outcomes_of(self.customers, self.customers.median_order_value)

    @property
    def window(self) -> str:
        """The window, in words."""
        return f"the {self.customers.window_days} days after {self.customers.as_of_date}"

    @cached_property
    def rival(self) -> str:
        """What RFM quintiles predict in the same window, in words."""
        design = QuintileCuts.of(self.customers.history).indicators(self.customers.history)
        forecast = cross_validated_forecast(design, self.outcomes, self.seed)
        return f"{RFM_QUINTILES}: {figures_in_words(forecast.spend_r2, forecast.buying_auc)}"

    def unavailable(self) -> Unavailable | None:
        """Why the window says nothing, where hardly anybody bought in it."""
        outcomes = self.outcomes.first(self.screened_customers)
        if outcomes.has_spend or outcomes.has_buying:
            return None
        return Unavailable(
            f"too few of {self.screened_customers:,} customers bought in {self.window} ({outcomes.buyers}, needed "
            f"{MIN_BUYERS})"
        )

    @property
    def screened_customers(self) -> int:
        """How many customers, the first ones, a screening predicts."""
        return min(PREDICTED_ROWS, len(self.customers))

    def screened(self, feature_set: FeatureSet, settings: ModelSettings) -> list[Candidate]:
        """All shapes on this set, fitted quickly to fewer customers: the best by BIC of each number of segments."""
        statistics = self._prepared(feature_set)
        if statistics is None:
            return []
        part, predicted_part = statistics[:SCREENED_ROWS], statistics[: self.screened_customers]

        def chain(covariance_type: CovarianceType) -> list[tuple[Shape, float, Parameters]]:
            counts = range(settings.segments.min, settings.segments.max + 1)
            shapes = [Shape(count, covariance_type) for count in counts]
            return [fitted for shape in shapes if (fitted := self._fitted(part, shape, settings))]

        def predicted(fitted: tuple[Shape, float, Parameters]) -> Candidate:
            shape, _, parameters = fitted
            figures = self._figures(predicted_part, parameters)
            return Candidate(
                n_components=shape.n_components,
                covariance_type=shape.covariance_type,
                feature_set=feature_set.name,
                reason=f"screened on {len(part):,} customers of {self.customers.as_of_date} only; promised less",
                **figures.of_candidate,
            )

        with workers() as pool:
            chains = list(pool.map(chain, settings.covariance))
            best: dict[int, tuple[Shape, float, Parameters]] = {}
            for fitted in (each for fits in chains for each in fits):
                other = best.get(fitted[0].n_components)
                if other is None or fitted[1] < other[1]:
                    best[fitted[0].n_components] = fitted
            return list(pool.map(predicted, [best[count] for count in sorted(best)]))

    def predicted(self, feature_set: FeatureSet, shape: Shape) -> PredictiveFigures | None:
        """What a mixture of this shape predicts; None where it cannot be fitted on the earlier day."""
        statistics = self._prepared(feature_set)
        if statistics is None:
            return None
        parameters = earlier_mixture(statistics, shape, self.seed)
        return None if parameters is None else self._figures(statistics, parameters)

    def _prepared(self, feature_set: FeatureSet) -> em.SufficientStatistics | None:
        """The customers as a mixture of this set sees them; None where they cannot be prepared."""
        if feature_set.name not in self._statistics:
            try:
                prepared = prepare(
                    self.customers.columns,
                    feature_set.choices,
                    named=False,
                    references=feature_set.references,
                )
                self._statistics[feature_set.name] = em.statistics_of(prepared)
            except UsageError:
                self._statistics[feature_set.name] = None
        return self._statistics[feature_set.name]

    def _fitted(
        self, statistics: em.SufficientStatistics, shape: Shape, settings: ModelSettings
    ) -> tuple[Shape, float, Parameters] | None:
        """The shape with its BIC and its optimum; None for a degenerate one."""
        fit = best_nondegenerate_fit(statistics, shape, self.seed, budget=SCREENING)
        if fit is None or degeneracy(fit.parameters, settings) is not None:
            return None
        return shape, bic_of(fit.objective, shape, statistics), fit.parameters

    def _figures(
        self, statistics: em.SufficientStatistics, parameters: Parameters
    ) -> PredictiveFigures:
        """statistics: of the first customers, perhaps not all."""
        memberships, _ = em.expectation(statistics, parameters)
        outcomes = self.outcomes.first(len(statistics))
        forecast = cross_validated_forecast(memberships.T, outcomes, self.seed)
        return PredictiveFigures(
            _losses(forecast), forecast.spend_r2, forecast.buying_auc, forecast.buying_log_loss
        )


def _losses(forecast: Forecast) -> Array:
    """What the choice compares, of every customer (n,): 1 is what the mean of all predicts.

    The mean of the squared errors over the variance of spend, and of the log losses over the entropy of buying.
    """
    losses = []
    if forecast.spend_losses is not None:
        losses.append(forecast.spend_losses)
    if forecast.buying_losses is not None:
        share = float(forecast.outcomes.bought.mean())
        entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
        losses.append(forecast.buying_losses / entropy)
    mean: Array = np.mean(losses, axis=0)
    return mean
