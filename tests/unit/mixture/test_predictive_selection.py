"""The choice by prediction: thresholds first, then the simplest within one standard error of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse_seg.errors import Refused, UsageError
from warehouse_seg.events import Event
from warehouse_seg.features.feature_sets import FeatureSet
from warehouse_seg.features.preparation import prepare
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture import em
from warehouse_seg.mixture.candidates import EvaluatedCandidate, EvaluatedSet
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.predictive_fit import fit_by_prediction
from warehouse_seg.mixture.predictive_selection import (
    PredictiveFigures,
    marked_by_prediction,
    recommend_by_prediction,
)
from warehouse_seg.model.training import Candidate
from warehouse_seg.settings import FeatureChoice, ModelSettings, settings_from

Array = NDArray[np.float64]
COUNT = 400
SETTINGS = settings_from({}).model
NOISE = np.random.default_rng(1).standard_normal(COUNT)
NOISE -= NOISE.mean()


def feature_set(name: str, *features: str) -> FeatureSet:
    return FeatureSet(name, "a test", tuple(FeatureChoice(name=f) for f in features))


SMALL, LARGE = (
    feature_set("small", "visits", "spend"),
    feature_set("large", "visits", "spend", "age"),
)


@dataclass
class Criterion:
    """A criterion whose losses are given: set → number of segments → mean loss."""

    losses: dict[str, dict[int, float]]
    asked: list[str] = field(default_factory=list)
    window: str = "the 90 days after 2026-01-01"
    rival: str = "RFM quintiles: spend R² 0.100"
    screened_customers: int = COUNT

    def screened(self, own: FeatureSet, settings: ModelSettings) -> list[Candidate]:
        del settings
        self.asked.append(f"screened {own.name}")
        return [
            Candidate(
                n_components=count,
                covariance_type="full",
                feature_set=own.name,
                prediction_loss=loss,
            )
            for count, loss in self.losses.get(own.name, {}).items()
        ]

    def predicted(self, own: FeatureSet, shape: Shape) -> PredictiveFigures | None:
        self.asked.append(f"predicted {own.name}")
        loss = self.losses[own.name].get(shape.n_components)
        return None if loss is None else PredictiveFigures(np.full(COUNT, loss), 0.3, 0.8, 0.4)


def candidate(
    count: int, loss: float | None, *, spread: float = 0.0, **more: Any
) -> EvaluatedCandidate:
    """Losses that differ from each other's, customer by customer, by `spread`."""
    values = {"bic": -float(count), "stability": 0.95, "smallest_jaccard": 0.9, "spend_r2": 0.3}
    losses = None if loss is None else loss + spread * NOISE
    figures = {**values, "prediction_loss": loss, **more}
    own = Candidate(n_components=count, covariance_type="full", **figures)
    return EvaluatedCandidate(own, None, losses)


def evaluated(own: FeatureSet, *candidates: EvaluatedCandidate) -> EvaluatedSet:
    columns = {"visits": np.exp(NOISE), "spend": np.exp(2 * NOISE[::-1]), "age": NOISE**2}
    prepared = prepare(columns, own.choices)
    return EvaluatedSet(own, prepared, em.statistics_of(prepared), candidates)


def chosen(*searched: EvaluatedSet) -> tuple[Candidate, str, Sequence[str]]:
    recommendation = recommend_by_prediction(searched, Criterion({}), SETTINGS)
    kinds = [warning.kind for warning in recommendation.warnings]
    return recommendation.chosen, recommendation.sentence, kinds


def test_the_best_prediction_is_taken_where_it_is_clearly_better() -> None:
    own, sentence, warnings = chosen(
        evaluated(SMALL, candidate(3, 0.8), candidate(6, 0.7), candidate(9, 0.75))
    )
    assert own.n_components == 6
    assert sentence == (
        "6 segments (full) on visits and spend: of the 3 that repeat it predicts the 90 days after 2026-01-01 best, "
        "spend R² 0.300 (RFM quintiles: spend R² 0.100); stability 0.95"
    )
    assert warnings == []


def test_fewer_segments_within_one_standard_error_are_taken() -> None:
    """One standard error of the difference is 0.05; of the sums it would be more."""
    near, far = candidate(4, 0.74, spread=1.0), candidate(3, 0.76, spread=1.0)
    own, sentence, _ = chosen(evaluated(SMALL, far, near, candidate(8, 0.7)))
    assert own.n_components == 4
    assert "the simplest of the 3 that repeat" in sentence
    assert "as good as the best, within its error (8 on visits and spend)" in sentence


@pytest.mark.parametrize(("loss", "segments"), [(0.7009, 4), (0.7011, 8)])
def test_a_sure_difference_that_nobody_acts_on_is_none(loss: float, segments: int) -> None:
    own, *_ = chosen(evaluated(SMALL, candidate(4, loss), candidate(8, 0.7)))
    assert own.n_components == segments


def test_errors_are_of_paired_differences() -> None:
    """Both vary much, and together: their difference is sure."""
    own, *_ = chosen(
        evaluated(SMALL, candidate(4, 0.74, spread=1.0), candidate(8, 0.70, spread=1.0))
    )
    assert own.n_components == 8


def test_of_as_many_segments_the_smaller_set_is_taken() -> None:
    own, sentence, _ = chosen(
        evaluated(LARGE, candidate(4, 0.70)), evaluated(SMALL, candidate(4, 0.71, spread=1.0))
    )
    assert "on visits and spend" in sentence
    assert own.n_components == 4


@pytest.mark.parametrize(
    "unstable", [{"stability": 0.84}, {"smallest_jaccard": 0.74}, {"stability": None}]
)
def test_what_does_not_repeat_is_never_taken(unstable: dict[str, Any]) -> None:
    own, *_ = chosen(evaluated(SMALL, candidate(3, 0.9), candidate(6, 0.5, **unstable)))
    assert own.n_components == 3


def test_what_is_degenerate_is_never_taken() -> None:
    own, *_ = chosen(evaluated(SMALL, candidate(3, 0.9), candidate(6, 0.5, status="refused")))
    assert own.n_components == 3


def test_what_cannot_be_fitted_on_the_earlier_day_is_never_taken() -> None:
    own, *_ = chosen(evaluated(SMALL, candidate(3, 0.9), candidate(6, None)))
    assert own.n_components == 3


def test_where_nothing_repeats_the_most_stable_is_taken_with_a_warning() -> None:
    own, sentence, warnings = chosen(
        evaluated(SMALL, candidate(3, 0.9, stability=0.5), candidate(6, 0.5, stability=0.4))
    )
    assert own.n_components == 3
    assert "most stable of all, but not stable (stability 0.50)" in sentence
    assert "no_stable_segmentation" in warnings


def test_every_candidate_says_why_it_was_not_taken() -> None:
    candidates = (
        candidate(3, 0.9),
        candidate(4, 0.7),
        candidate(5, 0.69),
        candidate(6, None, prediction_loss=None),
        candidate(7, 0.5, stability=0.2),
    )
    marks = marked_by_prediction(candidates, candidates[1].candidate)
    assert [(mark.status, mark.reason) for mark in marks] == [
        ("rejected", "predicts worse"),
        ("chosen", "recommended"),
        ("rejected", "hardly predicts better"),
        ("rejected", "cannot be fitted on the earlier day"),
        ("rejected", "not stable, stability 0.20"),
    ]


# ---------------------------------------------------------------------------------------------------- the fit


def customers() -> Sample:
    random = np.random.default_rng(2)
    kind = random.integers(2, size=1_200)
    columns = {
        "visits": random.standard_normal(1_200) + 4 * kind,
        "spend": random.standard_normal(1_200) + 3 * kind,
        "age": random.standard_normal(1_200),
        "equal": np.ones(1_200),
    }
    return Sample(columns, 1_200)


FEW = settings_from({"model": {"segments": {"max": 3}, "covariance": "full"}}).model


def test_a_set_that_promises_less_than_was_reached_is_not_searched() -> None:
    said: list[Event] = []
    criterion = Criterion({"small": {2: 0.5, 3: 0.6}, "large": {2: 0.7, 3: 0.7}})
    model = fit_by_prediction(customers(), [LARGE, SMALL], FEW, criterion, emit=said.append)
    assert len(model.features) == 2
    assert "searching small: visits and spend" in [event.text for event in said]
    assert not any(event.text.startswith("searching large") for event in said)
    by_set = {c.feature_set for c in model.candidates}
    assert by_set == {"small", "large"}
    assert [c.status for c in model.candidates].count("chosen") == 1


def test_all_sets_are_searched_that_promise_more() -> None:
    """The larger set promises more in the screening than it holds."""
    criterion = Criterion({"small": {2: 0.5, 3: 0.5}, "large": {2: 0.45, 3: 0.45}})
    reached = Criterion({"small": {2: 0.5, 3: 0.5}, "large": {2: 0.9, 3: 0.9}})
    criterion.predicted = reached.predicted  # type: ignore[method-assign]
    model = fit_by_prediction(customers(), [LARGE, SMALL], FEW, criterion)
    assert reached.asked[0] == "predicted large"
    assert "predicted small" in reached.asked
    assert len(model.features) == 2


def test_a_single_set_is_not_screened() -> None:
    criterion = Criterion({"small": {2: 0.5, 3: 0.6}})
    model = fit_by_prediction(customers(), [SMALL], FEW, criterion)
    assert set(criterion.asked) == {"predicted small"}
    assert len(model.components) == 2


def test_sets_that_become_one_are_searched_once() -> None:
    same = feature_set("same", "visits", "spend", "equal")
    criterion = Criterion({"small": {2: 0.5, 3: 0.6}, "same": {2: 0.4, 3: 0.4}})
    criterion.losses["same"] = {}
    model = fit_by_prediction(customers(), [same, SMALL], FEW, criterion)
    assert {c.feature_set for c in model.candidates} == {"small"}


def test_a_set_that_cannot_be_prepared_is_passed_over_and_no_set_at_all_is_an_error() -> None:
    missing = feature_set("missing", "no_such_column")
    criterion = Criterion({"small": {2: 0.5, 3: 0.6}, "missing": {2: 0.1}})
    model = fit_by_prediction(customers(), [missing, SMALL], FEW, criterion)
    assert {c.feature_set for c in model.candidates} == {"small"}
    with pytest.raises(UsageError, match="no_such_column"):
        fit_by_prediction(customers(), [missing], FEW, criterion)


def test_where_every_candidate_is_degenerate_nothing_is_chosen() -> None:
    settings = settings_from(
        {"model": {"segments": {"max": 2}, "covariance": "full", "min_segment_share": 0.9}}
    ).model
    with pytest.raises(Refused, match="every candidate was refused"):
        fit_by_prediction(customers(), [SMALL], settings, Criterion({"small": {2: 0.5}}))
