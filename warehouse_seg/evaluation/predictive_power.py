"""How well segments predict time that nothing has seen.

Mixture, feature treatment and the regressions on its memberships are fitted on the customers of two windows ago and
what they did until one window ago. All of it is frozen, describes the customers of one window ago, and is measured on
what those did since. Memberships have to beat simpler sources, which are fitted and frozen alike: labels of k-means,
RFM quintiles. The features themselves show how much could be predicted at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from warehouse_seg.errors import UsageError
from warehouse_seg.evaluation.prediction import (
    Forecast,
    Outcomes,
    Prediction,
    compared,
    frozen_forecast,
    indicators,
)
from warehouse_seg.evaluation.rfm_rules import QuintileCuts
from warehouse_seg.features.preparation import prepare, prepare_as
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import QUICK, Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.search import best_nondegenerate_fit
from warehouse_seg.model.feature import Feature
from warehouse_seg.project.time_split import FollowedCustomers, TimeSplit, Unavailable
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

MEMBERSHIPS = "memberships"
RFM_QUINTILES = "RFM quintiles"

FITTED_ROWS = 6_000
"""Customers that a mixture of an earlier day is fitted to; it describes all of them."""


@dataclass(frozen=True)
class OutcomeWindow:
    """An earlier day and the days after it; each customer counts once, since weights are known of today only.

    customers: how many had ordered before the day; bought: share of them who bought in the window
    """

    as_of_date: str
    window_days: int
    customers: int
    bought: float


@dataclass(frozen=True)
class PredictivePower(OutcomeWindow):
    """How well each source predicts what the customers of a day did in the window after; memberships come first.

    fitted_as_of_date: the earlier day that everything was fitted on and frozen
    """

    predictions: tuple[Prediction, ...]
    fitted_as_of_date: str


@dataclass(frozen=True)
class FrozenSplit:
    """A time split with the features of both days, treated as was decided on the first, and outcomes of both windows.

    first, second: sufficient statistics of the customers of two windows ago and of one
    """

    time_split: TimeSplit
    first: em.SufficientStatistics
    second: em.SufficientStatistics
    first_outcomes: Outcomes
    second_outcomes: Outcomes

    def forecast(self, design: Array, later_design: Array) -> Forecast:
        """What a description of the first customers (n, p) predicts of the second ones (m, p)."""
        return frozen_forecast(design, self.first_outcomes, later_design, self.second_outcomes)

    def memberships(self, shape: Shape, seed: int) -> tuple[Array, Array] | Unavailable:
        """Memberships of the first customers (n, K) and the second (m, K) in a mixture fitted on the first."""
        parameters = earlier_mixture(self.first, shape, seed)
        if parameters is None:
            day = self.time_split.first.as_of_date
            return Unavailable(f"as of {day} every fit of {shape} collapsed")
        first, second = (em.expectation(s, parameters)[0].T for s in (self.first, self.second))
        return first, second


def earlier_mixture(
    statistics: em.SufficientStatistics, shape: Shape, seed: int
) -> Parameters | None:
    """The mixture of this shape that is fitted to the customers of an earlier day: for the choice, and then frozen.

    None where every fit collapses.
    """
    fit = best_nondegenerate_fit(statistics[:FITTED_ROWS], shape, seed, budget=QUICK)
    return None if fit is None else fit.parameters


def outcomes_of(customers: FollowedCustomers, median_order_value: float) -> Outcomes:
    """What the customers did in their window, spend in units of this order value."""
    return Outcomes.of(customers.next_spend, customers.next_orders, median_order_value)


def frozen_split(time_split: TimeSplit, features: Sequence[Feature]) -> FrozenSplit | Unavailable:
    """The time split with these features, whose treatment is decided anew on the first day.

    Unavailable where they cannot be prepared on it, or tell nothing apart on the second.
    """
    first, second = time_split.first, time_split.second
    choices = [FeatureChoice(name=f.feature, transform=f.transform) for f in features]
    references = {f.feature: f.reference for f in features if f.reference is not None}
    try:
        prepared = prepare(first.columns, choices, named=False, references=references)
        later = prepare_as(second.columns, prepared.features)
    except UsageError as error:
        return Unavailable(f"as of {first.as_of_date}: {error}")
    unit = first.median_order_value
    return FrozenSplit(
        time_split,
        em.statistics_of(prepared),
        em.statistics_of(later),
        outcomes_of(first, unit),
        outcomes_of(second, unit),
    )


def predictive_power(
    time_split: TimeSplit, features: Sequence[Feature], shape: Shape, seed: int
) -> PredictivePower | Unavailable:
    """How well memberships predict time that nothing has seen, beside the sources that they have to beat.

    Unavailable where no mixture of this shape can be fitted on the first day, or too few bought to say anything.
    """
    split = frozen_split(time_split, features)
    if isinstance(split, Unavailable):
        return split
    memberships = split.memberships(shape, seed)
    if isinstance(memberships, Unavailable):
        return memberships
    return power_of(split, forecasts(split, memberships, seed))


def power_of(split: FrozenSplit, predicted: Mapping[str, Forecast]) -> PredictivePower:
    """The figures of these forecasts of the second customers, the first one compared with the others."""
    second = split.time_split.second
    return PredictivePower(
        as_of_date=second.as_of_date,
        window_days=second.window_days,
        customers=len(second),
        bought=float(split.second_outcomes.bought.mean()),
        predictions=compared(predicted),
        fitted_as_of_date=split.time_split.first.as_of_date,
    )


def forecasts(
    split: FrozenSplit, memberships: tuple[Array, Array], seed: int
) -> dict[str, Forecast]:
    """Source → what it predicts of the second customers, memberships first.

    memberships: of both days' customers, (n, K) and (m, K)
    """
    levels = np.arange(memberships[0].shape[1])
    kmeans = KMeans(len(levels), n_init=10, random_state=seed).fit(split.first.z)
    designs: dict[str, tuple[Array, Array]] = {
        MEMBERSHIPS: memberships,
        "top segment": _both(lambda m: indicators(m.argmax(axis=1), levels), *memberships),
        "k-means labels": _both(
            lambda z: indicators(kmeans.predict(z), levels), split.first.z, split.second.z
        ),
        RFM_QUINTILES: rfm_designs(split.time_split),
        "the features themselves": (split.first.z, split.second.z),
    }
    return {source: split.forecast(*design) for source, design in designs.items()}


def rfm_designs(time_split: TimeSplit) -> tuple[Array, Array]:
    """The quintiles of both days' customers, (n, 15) and (m, 15), cut where those of the first day lie."""
    cuts = QuintileCuts.of(time_split.first.history)
    return _both(cuts.indicators, time_split.first.history, time_split.second.history)


def _both(describe: Callable[[Array], Array], first: Array, second: Array) -> tuple[Array, Array]:
    return describe(first), describe(second)
