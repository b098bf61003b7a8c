"""Whether a simpler method tells as much of the customers as the mixture: one verdict, for `compare` and `validate`.

What counts is what customers do after an earlier day, predicted from memberships, from RFM quintiles and from labels of
k-means. Where no such time can be predicted, the separation of the segments decides: their silhouette beside that of
k-means. The verdict names the criterion that decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.evaluation.methods import Customers, methods_for
from warehouse_seg.evaluation.prediction import Judgement, Prediction
from warehouse_seg.evaluation.predictive_power import PredictivePower
from warehouse_seg.mixture.criteria import cluster_criteria
from warehouse_seg.project.time_split import Unavailable

Array = NDArray[np.float64]

RIVALS = ("RFM quintiles", "k-means labels")
"""Sources of predictions that memberships have to beat."""

COMPARED: dict[Judgement, str] = {
    "better": "better than",
    "alike": "as well as",
    "worse": "worse than",
}

Criterion = Literal["prediction of unseen time", "separation of the segments"]
Outcome = Literal["less", "as much", "more", "mixed"]
"""What the best of the simpler methods tells, beside the mixture; mixed: more of spend and less of buying, or so."""

CONCLUSIONS: dict[Outcome, str] = {
    "less": "No simpler method tells as much of the customers",
    "as much": "A simpler method, {}, tells as much of the customers",
    "more": "A simpler method, {}, tells more of the customers",
    "mixed": "A simpler method, {}, tells more of the customers in one respect and less in another",
}
"""With the names of the methods that tell most."""


@dataclass(frozen=True)
class SimplerMethods:
    """The verdict.

    criterion, outcome: None where nothing could be compared
    sentence: the conclusion, what it rests on and which criterion decided; without a full stop
    """

    criterion: Criterion | None
    outcome: Outcome | None
    sentence: str


@dataclass(frozen=True)
class Silhouettes:
    """How separate the mixture's top segments and the labels of k-means are, -1 to 1; None for a single group."""

    mixture: float | None
    k_means: float | None


def silhouettes(z: Array, top_segments: NDArray[np.intp], count: int, seed: int) -> Silhouettes:
    """The silhouettes on these customers.

    z: standardised features (n, D); top_segments (n,); count: as many groups has k-means
    """
    customers = Customers(z, None)
    labels = methods_for(customers, count, seed)["k-means"](customers)
    return Silhouettes(
        cluster_criteria(z, top_segments).get("silhouette"),
        cluster_criteria(z, labels).get("silhouette"),
    )


def simpler_methods(
    power: PredictivePower | Unavailable, separation: Silhouettes
) -> SimplerMethods:
    """The verdict by prediction where the history allows it, else by separation."""
    if isinstance(power, Unavailable):
        return _by_separation(separation, power.reason)
    rivals = [p for p in power.predictions if p.source in RIVALS and _outcomes(p)]
    if not rivals:
        return _by_separation(separation, f"too few bought in the {power.window_days} days")
    rivals.sort(key=lambda rival: RIVALS.index(rival.source))
    outcome = _best([_outcome(rival) for rival in rivals])
    conclusion = _conclusion(outcome, [r.source for r in rivals if _outcome(r) == outcome])
    compared = " and ".join(_compared(rival) for rival in rivals)
    return SimplerMethods(
        "prediction of unseen time",
        outcome,
        f"{conclusion}: memberships predict the next {power.window_days} days {compared} "
        "(decided by the prediction of unseen time)",
    )


def _conclusion(outcome: Outcome, methods: Sequence[str]) -> str:
    return CONCLUSIONS[outcome].format(" or ".join(methods))


def separation_difference(silhouette: float, other: float) -> float:
    """How much greater a silhouette is than another, to the two digits that people see."""
    return round(silhouette, 2) - round(other, 2)


def _outcomes(rival: Prediction) -> set[Judgement]:
    """How memberships predict spend and buying beside the rival; empty where neither was measured."""
    return {each for each in (rival.spend_comparison, rival.buying_comparison) if each}


def _outcome(rival: Prediction) -> Outcome:
    """What the rival tells: the reverse of how memberships predict beside it."""
    outcomes = _outcomes(rival)
    if {"better", "worse"} <= outcomes:
        return "mixed"
    if "worse" in outcomes:
        return "more"
    return "less" if "better" in outcomes else "as much"


def _best(outcomes: Sequence[Outcome]) -> Outcome:
    order: tuple[Outcome, ...] = ("more", "as much", "mixed", "less")
    return min(outcomes, key=order.index)


def _compared(rival: Prediction) -> str:
    """How memberships predict beside a rival."""
    spend, buying = rival.spend_comparison, rival.buying_comparison
    if spend and buying and spend != buying:
        return f"{COMPARED[spend]} {rival.source} for spend, {COMPARED[buying]} {rival.source} for buying at all"
    (either,) = _outcomes(rival)
    return f"{COMPARED[either]} {rival.source}"


def _by_separation(separation: Silhouettes, reason: str) -> SimplerMethods:
    """The verdict where no time can be predicted."""
    mixture, k_means = separation.mixture, separation.k_means
    if mixture is None or k_means is None:
        return SimplerMethods(
            None,
            None,
            f"Whether a simpler method tells as much is not known: {reason}, and one segment has no separation",
        )
    difference = separation_difference(k_means, mixture)
    outcome: Outcome = "less" if difference < 0 else "more" if difference > 0 else "as much"
    return SimplerMethods(
        "separation of the segments",
        outcome,
        f"{_conclusion(outcome, ['k-means labels'])}: k-means labels have silhouette {k_means:z.2f}, the mixture's "
        f"segments {mixture:z.2f} (decided by the separation of the segments, since no unseen time can be predicted: "
        f"{reason})",
    )
