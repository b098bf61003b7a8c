"""Which of the candidates to recommend by what they predict, and the sentence that says so.

The rule, in the order of its parts:

1. Degenerate candidates are out, and BIC chooses the covariance type of every number of segments, as in
   `mixture/selection.py`. BIC cannot compare feature sets, so each set has its own.
2. Candidates that do not repeat on bootstrap samples are out. Stability depends on the number of segments and of
   features: it is a threshold, never a rank.
3. Of those that are left the fewest segments, then the fewest features, are taken whose prediction lies within one
   standard error, of paired differences, of the best one's, or within a difference that nobody acts on. Prediction
   mostly gains from further segments, and people do not.

What a candidate predicts is measured on a window after an earlier day, by a mixture of its shape that was fitted on
what was known on that day. Where no candidate repeats, the rule of `mixture/selection.py` for that case decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.features.feature_sets import FeatureSet
from warehouse_seg.mixture.candidates import EvaluatedCandidate, EvaluatedSet
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.selection import (
    Recommendation,
    best_of_each_count,
    is_stable,
    marked,
    most_stable,
    segments_in_words,
    warnings_for_choice,
)
from warehouse_seg.model.training import Candidate
from warehouse_seg.settings import ModelSettings

Array = NDArray[np.float64]

MIN_PREDICTION_GAIN = 0.001
"""Of the loss that further segments have to be worth: with enough customers any difference is beyond its error, and of
many candidates the best one is so by chance as well."""


@dataclass(frozen=True)
class PredictiveFigures:
    """What a mixture of one shape predicts of the window that the choice is made on.

    losses (n,): of every customer, lower is better; the others as in Candidate
    """

    losses: Array
    spend_r2: float | None
    buying_auc: float | None
    buying_log_loss: float | None

    @property
    def of_candidate(self) -> dict[str, Any]:
        """The fields of a Candidate."""
        return {
            "spend_r2": self.spend_r2,
            "buying_auc": self.buying_auc,
            "buying_log_loss": self.buying_log_loss,
            "prediction_loss": float(self.losses.mean()),
        }


class PredictiveCriterion(Protocol):
    """Judges shapes by what they predict, on an earlier day and the window after it."""

    @property
    def window(self) -> str:
        """The window, in words."""

    @property
    def rival(self) -> str:
        """What RFM quintiles predict in the same window, in words."""

    @property
    def screened_customers(self) -> int:
        """How many customers, the first ones, a screening predicts."""

    def screened(self, feature_set: FeatureSet, settings: ModelSettings) -> list[Candidate]:
        """All shapes on this set, fitted quickly to fewer customers: the best by BIC of each number of segments."""

    def predicted(self, feature_set: FeatureSet, shape: Shape) -> PredictiveFigures | None:
        """What a mixture of this shape predicts; None where it cannot be fitted on the earlier day."""


def is_judged(candidate: Candidate) -> bool:
    """Whether a candidate can be chosen: it was asked whether it repeats, or is a single segment, which always does."""
    asked = candidate.stability is not None or candidate.n_components == 1
    return candidate.status != "refused" and asked


def recommend_by_prediction(
    searched: Sequence[EvaluatedSet], criterion: PredictiveCriterion, settings: ModelSettings
) -> Recommendation:
    """Choose by the rule above.

    searched: at least one candidate can be used; stability and losses are measured for those of `best_of_each_count`
    """
    stable = list(_stable(searched))
    if not stable:
        return _recommend_most_stable(searched, settings)
    best = min(stable, key=lambda own: _mean(own[1]))
    alike = [own for own in stable if _is_alike(own[1], best[1])]
    chosen = min(
        alike, key=lambda own: (own[1].shape.n_components, len(own[0].choices), _mean(own[1]))
    )
    candidate = chosen[1].candidate
    return Recommendation(
        candidate,
        _sentence(chosen, best, len(stable), criterion),
        tuple(warnings_for_choice(candidate, settings)),
    )


def lowest_stable_loss(searched: Sequence[EvaluatedSet], customers: int) -> float | None:
    """The mean loss, of the first so many customers, of the best candidate that repeats; None where none does."""
    losses = (evaluation.losses for _, evaluation in _stable(searched))
    return min((float(own[:customers].mean()) for own in losses if own is not None), default=None)


def marked_by_prediction(
    evaluated: Sequence[EvaluatedCandidate], chosen: Candidate
) -> tuple[Candidate, ...]:
    """All candidates of one set with their final reason, the chosen one marked."""
    candidates = marked([evaluation.candidate for evaluation in evaluated], chosen)
    return tuple(_marked(c, chosen) for c in candidates)


def figures_in_words(spend_r2: float | None, buying_auc: float | None) -> str:
    """`spend R² 0.24, buying AUC 0.75`, as far as they were measured."""
    parts = []
    if spend_r2 is not None:
        parts.append(f"spend R² {spend_r2:z.3f}")
    if buying_auc is not None:
        parts.append(f"buying AUC {buying_auc:z.3f}")
    return ", ".join(parts)


_Judged = tuple[FeatureSet, EvaluatedCandidate]


def _stable(searched: Sequence[EvaluatedSet]) -> Iterator[_Judged]:
    for own in searched:
        for evaluation in own.candidates:
            judged = evaluation.losses is not None and is_judged(evaluation.candidate)
            if judged and is_stable(evaluation.candidate):
                yield own.feature_set, evaluation


def _marked(candidate: Candidate, chosen: Candidate) -> Candidate:
    """The reason by prediction, where that decided."""
    decided = candidate.status == "rejected" and is_judged(candidate) and is_stable(candidate)
    if not decided:
        return candidate
    if candidate.prediction_loss is None:
        reason = "cannot be fitted on the earlier day"
    elif chosen.prediction_loss is None or candidate.prediction_loss > chosen.prediction_loss:
        reason = "predicts worse"
    else:
        reason = "hardly predicts better"
    return candidate.model_copy(update={"reason": reason})


def _is_alike(evaluation: EvaluatedCandidate, best: EvaluatedCandidate) -> bool:
    """Whether a candidate predicts as well as the best one, customer by customer: within an error, or hardly worse."""
    if evaluation.losses is None or best.losses is None:
        return False
    difference = evaluation.losses - best.losses
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return bool(difference.mean() <= max(error, MIN_PREDICTION_GAIN))


def _mean(evaluation: EvaluatedCandidate) -> float:
    return float("inf") if evaluation.losses is None else float(evaluation.losses.mean())


def _recommend_most_stable(
    searched: Sequence[EvaluatedSet], settings: ModelSettings
) -> Recommendation:
    compared = [
        candidate
        for own in searched
        for candidate in best_of_each_count([e.candidate for e in own.candidates])
    ]
    chosen = most_stable(compared)
    own = next(own for own in searched if any(e.candidate is chosen for e in own.candidates))
    sentence = (
        f"{_head(own.feature_set, chosen)}: most stable of all, but not stable "
        f"(stability {chosen.stability or 0:z.2f})"
    )
    return Recommendation(chosen, sentence, tuple(warnings_for_choice(chosen, settings)))


def _head(feature_set: FeatureSet, candidate: Candidate) -> str:
    count = segments_in_words(candidate.n_components)
    return f"{count} ({candidate.covariance_type}) on {feature_set.in_words}"


def _sentence(chosen: _Judged, best: _Judged, stable: int, criterion: PredictiveCriterion) -> str:
    """As in `6 segments (full) on recency, orders and net spend: of the 5 that repeat it predicts … best, …`."""
    candidate = chosen[1].candidate
    if stable == 1:
        claim = f"the only one that repeats; of {criterion.window} it predicts"
    elif chosen[1] is best[1]:
        claim = f"of the {stable} that repeat it predicts {criterion.window} best"
    else:
        other = f"{best[1].shape.n_components} on {best[0].in_words}"
        claim = (
            f"the simplest of the {stable} that repeat whose prediction of {criterion.window} is as good as the best, "
            f"within its error ({other})"
        )
    figures = figures_in_words(candidate.spend_r2, candidate.buying_auc)
    stability = "" if candidate.stability is None else f"; stability {candidate.stability:z.2f}"
    return f"{_head(chosen[0], candidate)}: {claim}, {figures} ({criterion.rival}){stability}"
