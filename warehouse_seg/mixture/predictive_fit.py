"""Fits mixtures on every feature set that could predict best, and chooses one by what it predicts.

A quick search on fewer customers screens all sets. Those that could be the best are searched in full, one after the
other, until no screened set promises more than a candidate that repeats already predicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from warehouse_seg.errors import UsageError
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.feature_sets import FeatureSet
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.candidates import (
    EvaluatedCandidate,
    EvaluatedSet,
    evaluated_set,
    workers,
)
from warehouse_seg.mixture.fit import finished, refuse_if_all_are
from warehouse_seg.mixture.predictive_selection import (
    PredictiveCriterion,
    is_judged,
    lowest_stable_loss,
    marked_by_prediction,
    recommend_by_prediction,
)
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import Candidate
from warehouse_seg.settings import ModelSettings

Screened = list[tuple[FeatureSet, list[Candidate]]]


def fit_by_prediction(
    sample: Sample,
    feature_sets: Sequence[FeatureSet],
    settings: ModelSettings,
    criterion: PredictiveCriterion,
    *,
    notes: str = "",
    emit: Emit = silent,
    require: Callable[[Sequence[Feature]], None] | None = None,
) -> SegmentModel:
    """The mixture that `predictive_selection` recommends among the shapes in `settings` on all feature sets.

    require: raises where a model of these features could not be used; asked before the search, which takes minutes
    Raises UsageError where the columns of no set can be used, Refused where every candidate is degenerate.
    """
    screened = _screened(feature_sets, settings, criterion, emit)
    searched: list[EvaluatedSet] = []
    left = list(screened)
    while left and not _promises_nothing(left[0][1], searched, criterion):
        feature_set, _ = left.pop(0)
        emit(Event.step(f"searching {feature_set.name}: {feature_set.in_words}"))
        try:
            evaluated = evaluated_set(sample, feature_set, settings, emit, require)
        except UsageError:
            if not left and not searched:
                raise
            continue
        if not any(_same_features(evaluated, other) for other in searched):
            searched.append(_predicted(evaluated, criterion))
    refuse_if_all_are([e.candidate for own in searched for e in own.candidates])
    recommendation = recommend_by_prediction(searched, criterion, settings)
    chosen = recommendation.chosen
    candidates = [
        *(mark for own in searched for mark in marked_by_prediction(own.candidates, chosen)),
        *(candidate for _, candidates in left for candidate in candidates),
    ]
    best = next(own for own in searched if any(e.candidate is chosen for e in own.candidates))
    return finished(sample, best, recommendation, candidates, settings, notes, emit)


def _screened(
    feature_sets: Sequence[FeatureSet],
    settings: ModelSettings,
    criterion: PredictiveCriterion,
    emit: Emit,
) -> Screened:
    """All sets with their screened candidates, the most promising one first; a single set is not screened."""
    if len(feature_sets) == 1:
        return [(feature_sets[0], [])]
    emit(Event.step(f"screening {len(feature_sets)} feature sets by what they predict"))
    screened = [(own, criterion.screened(own, settings)) for own in feature_sets]
    for feature_set, candidates in screened:
        loss = _lowest_loss(candidates)
        figure = "cannot be fitted on the earlier day" if loss is None else f"loss {loss:.4f}"
        emit(Event.progress(f"{feature_set.name}: {figure}"))
    # Sets that cannot be screened come last: they are searched where nothing else repeats.
    return sorted(screened, key=lambda entry: _lowest_loss(entry[1]) or float("inf"))


def _lowest_loss(candidates: Sequence[Candidate]) -> float | None:
    losses = [c.prediction_loss for c in candidates if c.prediction_loss is not None]
    return min(losses, default=None)


def _promises_nothing(
    candidates: Sequence[Candidate],
    searched: Sequence[EvaluatedSet],
    criterion: PredictiveCriterion,
) -> bool:
    """Whether a candidate that repeats predicts the same customers as well as this set's best one promised."""
    reached = lowest_stable_loss(searched, criterion.screened_customers)
    promised = _lowest_loss(candidates)
    return reached is not None and (promised is None or promised >= reached)


def _predicted(evaluated: EvaluatedSet, criterion: PredictiveCriterion) -> EvaluatedSet:
    """The set with what its candidates predict, those of which stability was measured."""

    def predicted(evaluation: EvaluatedCandidate) -> EvaluatedCandidate:
        if not is_judged(evaluation.candidate):
            return evaluation
        figures = criterion.predicted(evaluated.feature_set, evaluation.shape)
        if figures is None:
            return evaluation
        update = figures.of_candidate
        candidate = evaluation.candidate.model_copy(update=update)
        return replace(evaluation, candidate=candidate, losses=figures.losses)

    with workers() as pool:
        candidates = tuple(pool.map(predicted, evaluated.candidates))
    return replace(evaluated, candidates=candidates)


def _same_features(evaluated: EvaluatedSet, other: EvaluatedSet) -> bool:
    """Whether two sets became one: a column that tells nothing apart was left out of both."""
    own, others = (
        {(f.feature, f.reference) for f in each.prepared.features} for each in (evaluated, other)
    )
    return own == others
