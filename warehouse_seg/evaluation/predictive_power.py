"""How well segments predict the time after an earlier day.

All features are prepared and all groupings fitted as of that day; what customers did since then is the outcome.
Memberships have to beat simpler sources: labels of k-means, RFM quintiles. The features themselves show how much could
be predicted at all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from warehouse_seg.evaluation.prediction import Prediction, indicators, predictions
from warehouse_seg.evaluation.rfm_rules import rfm_scores
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.search import search
from warehouse_seg.project.time_split import TimeSplit, Unavailable

Array = NDArray[np.float64]

MEMBERSHIPS = "memberships"


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
    """How well each source predicts what the customers of an earlier day did in the window; memberships come first."""

    predictions: tuple[Prediction, ...]


def outcome_window(time_split: TimeSplit) -> OutcomeWindow:
    """The day and the outcomes of a time split."""
    return OutcomeWindow(
        as_of_date=time_split.as_of_date,
        window_days=time_split.window_days,
        customers=len(time_split.statistics),
        bought=float(time_split.bought.mean()),
    )


def historical_memberships(time_split: TimeSplit, shape: Shape, seed: int) -> Array | Unavailable:
    """Memberships (n, K) of a mixture of this shape that was fitted on what was known on that day."""
    try:
        fit = search(time_split.statistics, shape, seed).best
    except np.linalg.LinAlgError:
        return Unavailable(f"as of {time_split.as_of_date} every fit of {shape} collapsed")
    memberships, _ = em.expectation(time_split.statistics, fit.parameters)
    return memberships.T


def predictive_power(
    time_split: TimeSplit, shape: Shape, seed: int
) -> PredictivePower | Unavailable:
    """How well memberships predict the time after an earlier day, beside the sources that they have to beat.

    Unavailable where no mixture of this shape can be fitted as of that day.
    """
    memberships = historical_memberships(time_split, shape, seed)
    if isinstance(memberships, Unavailable):
        return memberships
    return power_of_memberships(time_split, memberships, seed)


def power_of_memberships(time_split: TimeSplit, memberships: Array, seed: int) -> PredictivePower:
    """How well these memberships (n, K) of an earlier day predict, beside the sources that they have to beat."""
    z = time_split.statistics.z
    labels = KMeans(memberships.shape[1], n_init=10, random_state=seed).fit_predict(z)
    scores = rfm_scores(*time_split.history.T)
    designs = {
        MEMBERSHIPS: memberships,
        "top segment": indicators(memberships.argmax(axis=1)),
        "k-means labels": indicators(labels),
        "RFM quintiles": np.hstack([indicators(score) for score in scores.T]),
        "the features themselves": z,
    }
    return PredictivePower(
        **asdict(outcome_window(time_split)),
        predictions=predictions(designs, time_split.spend, time_split.bought, seed),
    )
