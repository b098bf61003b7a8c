"""A fit finds planted segments, says why it refuses what has collapsed, and repeats itself to the last bit."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from warehouse_seg.errors import Refused
from warehouse_seg.events import Event
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.fit import described, fit_model
from warehouse_seg.model.feature import Category
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.settings import FeatureChoice, ModelSettings, settings_from

Array = NDArray[np.float64]

CUSTOMERS = 500
PLANTED = [(0.6, (0.0, 0.0)), (0.3, (6.0, 1.0)), (0.1, (0.0, -7.0))]
"""Share and centre of three round segments with standard deviation 1."""


def three_segments(seed: int = 1) -> dict[str, Array]:
    generator = np.random.default_rng(seed)
    centres = np.repeat(
        [centre for _, centre in PLANTED], [int(share * CUSTOMERS) for share, _ in PLANTED], axis=0
    )
    values = centres + generator.normal(size=centres.shape)
    shuffled = generator.permutation(values)
    return {"visits": shuffled[:, 0], "basket": shuffled[:, 1]}


def settings_of(**model: Any) -> ModelSettings:
    standard = {"segments": {"min": 2, "max": 4}, "covariance": ["full"]}
    return settings_from({"model": standard | model}).model


def fitted(columns: dict[str, Array], settings: ModelSettings, **more: Any) -> SegmentModel:
    choices = [FeatureChoice(name=name, transform="identity") for name in columns]
    sample = Sample(columns, population_rows=1_000_000, as_of_date="2026-07-01")
    return fit_model(sample, choices, settings, **more)


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    return fitted(three_segments(), settings_of())


def test_planted_segments_are_found(model: SegmentModel) -> None:
    assert len(model.components) == len(PLANTED)
    weights = [component.weight for component in model.components]
    assert weights == pytest.approx([share for share, _ in PLANTED], abs=0.02)
    center = np.array([feature.center for feature in model.features])
    scale = np.array([feature.scale for feature in model.features])
    means = center + scale * np.array([component.mean for component in model.components])
    np.testing.assert_allclose(means, [centre for _, centre in PLANTED], atol=0.4)


def test_the_largest_segment_comes_first(model: SegmentModel) -> None:
    assert [component.segment_key for component in model.components] == ["s1", "s2", "s3"]
    weights = [component.weight for component in model.components]
    assert weights == sorted(weights, reverse=True)
    assert len({component.segment_name for component in model.components}) == 3


def test_every_candidate_is_kept_with_a_reason(model: SegmentModel) -> None:
    shapes = [(candidate.n_components, candidate.covariance_type) for candidate in model.candidates]
    assert shapes == [(2, "full"), (3, "full"), (4, "full")]
    assert [candidate.status == "chosen" for candidate in model.candidates] == [False, True, False]
    assert all(candidate.reason for candidate in model.candidates)
    usable = [candidate.bic for candidate in model.candidates if candidate.status != "refused"]
    assert model.training.bic == min(bic for bic in usable if bic is not None)


def test_all_covariance_types_are_tried() -> None:
    model = fitted(
        three_segments(),
        settings_of(segments={"min": 1, "max": 2}, covariance=get_args(CovarianceType)),
    )
    shapes = {(candidate.n_components, candidate.covariance_type) for candidate in model.candidates}
    assert shapes == {(count, kind) for count in (1, 2) for kind in get_args(CovarianceType)}


def test_criteria_are_scikit_learns(model: SegmentModel) -> None:
    """On exact values; lower is better for both."""
    z = model.standardized(three_segments())
    mixture = GaussianMixture(3, covariance_type="full")
    mixture.weights_ = np.array([component.weight for component in model.components])
    mixture.means_ = np.array([component.mean for component in model.components])
    mixture.precisions_cholesky_ = np.array(
        [component.precision_cholesky for component in model.components]
    )
    assert model.training.bic == pytest.approx(mixture.bic(z), rel=1e-9)
    assert model.training.aic == pytest.approx(mixture.aic(z), rel=1e-9)
    assert model.training.log_likelihood == pytest.approx(mixture.score(z) * len(z), rel=1e-9)


def test_one_customer_in_a_hundred_is_an_outlier(model: SegmentModel) -> None:
    log_density = logsumexp(model.log_joint(three_segments()), axis=1)
    assert np.mean(log_density < model.outlier_log_density) == pytest.approx(0.01, abs=0.002)


def test_where_a_model_comes_from_is_kept() -> None:
    categories = (Category(category="Wine", column_suffix="wine"),)
    columns = three_segments()
    sample = Sample(columns, 1_000_000, as_of_date="2026-07-01", categories=categories)
    choices = [FeatureChoice(name=name) for name in columns]
    model = fit_model(sample, choices, settings_of(segments={"max": 2}, seed=5), notes="a trial")
    training = model.training
    assert model.categories == categories
    assert (training.population_rows, training.sample_rows) == (1_000_000, CUSTOMERS)
    assert (training.as_of_date, training.seed, training.notes) == ("2026-07-01", 5, "a trial")
    assert {"python", "numpy", "scikit-learn"} <= set(training.software)


# ------------------------------------------------------------------------------------------------- determinism


def test_the_same_sample_and_seed_give_the_same_fingerprint(model: SegmentModel) -> None:
    again = fitted(three_segments(), settings_of())
    assert again.fingerprint == model.fingerprint
    assert again.score_sql("t") == model.score_sql("t")


def test_the_number_of_threads_changes_nothing(model: SegmentModel) -> None:
    with threadpool_limits(1):
        assert fitted(three_segments(), settings_of()).fingerprint == model.fingerprint


def test_other_customers_give_another_fingerprint(model: SegmentModel) -> None:
    """The partner: a fingerprint that never changes would pass the tests above."""
    others = fitted(three_segments(seed=2), settings_of(segments={"max": 3}))
    assert others.fingerprint != model.fingerprint


# --------------------------------------------------------------------------------------------------- refusals


def with_a_line() -> dict[str, Array]:
    """Half of the customers with two features that are one: no value of theirs is unusual, their covariance is flat."""
    generator = np.random.default_rng(1)
    visits, basket = generator.normal(size=(2, CUSTOMERS))
    basket[: CUSTOMERS // 2] = visits[: CUSTOMERS // 2]
    return {"visits": visits, "basket": basket}


def test_a_collapsed_candidate_is_refused_with_its_reason() -> None:
    model = fitted(with_a_line(), settings_of(segments={"min": 1, "max": 2}))
    candidate, two = model.candidates
    assert candidate.status == "chosen"
    assert two.status == "refused"
    assert "collapsed" in two.reason
    # BIC alone would have taken the spike.
    assert candidate.bic is not None
    assert two.bic is None or two.bic < candidate.bic


def test_nothing_usable_is_refused_as_a_whole() -> None:
    with pytest.raises(Refused) as caught:
        fitted(with_a_line(), settings_of(segments={"min": 2, "max": 3}))
    message = str(caught.value)
    assert caught.value.exit_code == 3
    assert message.startswith("every candidate was refused, nothing was stored:")
    assert "2 full: refused: " in message
    assert "3 full: refused: " in message
    assert "`model.segments.min`" in message


def test_a_segment_that_is_too_small_is_refused() -> None:
    settings = settings_of(segments={"min": 2, "max": 3}, min_segment_share=0.15)
    model = fitted(three_segments(), settings)
    two, three = model.candidates
    assert two.status == "chosen"
    assert three.reason.startswith("smallest segment 10.")
    assert three.reason.endswith("< 15%")


def test_the_outlier_threshold_counts_weights(model: SegmentModel) -> None:
    """A row with weight 2 is the same customer twice."""
    columns = three_segments()
    weights = np.where(np.arange(CUSTOMERS) % 2, 2.0, 1.0)
    repeated = {name: np.repeat(values, weights.astype(int)) for name, values in columns.items()}
    once = described(model, Sample(columns, CUSTOMERS), weights)
    twice = described(model, Sample(repeated, int(weights.sum())))
    assert once.outlier_log_density == pytest.approx(twice.outlier_log_density, abs=0.1)
    assert once.training.sample_log_density == pytest.approx(twice.training.sample_log_density)


# --------------------------------------------------------------------------------------------------- progress


def test_it_talks_while_it_works() -> None:
    lines: list[str] = []
    fitted(three_segments(), settings_of(), emit=lambda event: lines.append(event.text))
    for count in (2, 3, 4):
        assert any(f"{count} segments, full: BIC" in line for line in lines)
        assert any(f"{count} segments, full: stability" in line for line in lines)
    assert any(line.startswith("recommended: 3 segments (full): lowest BIC") for line in lines)
    assert not any("warning" in line for line in lines)


def test_candidates_are_counted() -> None:
    events: list[Event] = []
    fitted(three_segments(), settings_of(), emit=events.append)
    counted = [(event.done, event.total) for event in events if event.total is not None]
    assert counted == [(1, 3), (2, 3), (3, 3)] * 2


def test_a_warning_of_few_customers_is_stored_with_the_model() -> None:
    columns = {name: values[:200] for name, values in three_segments().items()}
    model = fitted(columns, settings_of(segments={"max": 2}))
    (warning,) = [w for w in model.training.warnings if w.kind == "few_customers"]
    assert warning.text.startswith("200 customers are few")
