"""What `validate` says of planted customers: apart or overlapping, treated alike or not, told by a reference or not."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse_seg.evaluation.audit import audit
from warehouse_seg.evaluation.certainty import Certainty
from warehouse_seg.evaluation.likelihood import Likelihood, likelihood
from warehouse_seg.evaluation.prediction import Judgement, Prediction
from warehouse_seg.evaluation.predictive_power import PredictivePower
from warehouse_seg.evaluation.reference import reference_agreement
from warehouse_seg.evaluation.separation import MERGE_AFFINITY, separation
from warehouse_seg.evaluation.simpler_methods import Silhouettes, SimplerMethods, simpler_methods
from warehouse_seg.evaluation.starts import StartStability, start_stability
from warehouse_seg.evaluation.validation import Validation
from warehouse_seg.evaluation.validation_verdict import verdict
from warehouse_seg.evaluation.windows import Window, window_agreement
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.stability import Stability
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.time_split import Unavailable

Array = NDArray[np.float64]

TWO = Parameters(
    np.array([0.6, 0.4]), np.array([[-2.0, 0.0], [2.0, 1.0]]), np.array([np.eye(2), np.eye(2) / 2])
)
SHAPE = Shape(2, "full")


def customers(parameters: Parameters, count: int, seed: int) -> Array:
    random = np.random.default_rng(seed)
    kind = random.choice(len(parameters.weights), count, p=parameters.weights)
    spread = np.linalg.cholesky(parameters.covariances)[kind]
    drawn: Array = parameters.means[kind] + np.einsum(
        "nij,nj->ni", spread, random.standard_normal((count, 2))
    )
    return drawn


def model(*means: float, deviation: float = 1.0) -> SegmentModel:
    """Equal segments along one feature."""
    covariance = np.array([[deviation**2]])
    return SegmentModel(
        covariance_type="full",
        features=(Feature(feature="a"),),
        components=tuple(
            Component.from_covariance(f"s{k + 1}", 1 / len(means), np.array([mean]), covariance)
            for k, mean in enumerate(means)
        ),
    )


# ------------------------------------------------------------------------- unseen customers, other starts and days


def test_held_out_customers_are_described_as_well_and_better_than_by_one_gaussian() -> None:
    statistics = em.sufficient_statistics(customers(TWO, 3_000, seed=1))
    result = likelihood(statistics, TWO, SHAPE)
    assert result.held_out is not None
    assert result.single_gaussian is not None
    assert result.held_out == pytest.approx(result.training, abs=0.1)
    assert result.held_out > result.single_gaussian + 0.2


def test_where_one_gaussian_is_the_truth_two_are_no_better() -> None:
    share = Parameters(np.array([1.0]), np.zeros((1, 2)), np.eye(2)[None])
    statistics = em.sufficient_statistics(customers(share, 3_000, seed=2))
    start = em.from_responsibilities(
        statistics, np.eye(2)[np.arange(3_000) % 2].T, "full", regularization=0.1
    )
    result = likelihood(statistics, start, SHAPE)
    assert result.held_out is not None
    assert result.single_gaussian is not None
    assert result.held_out < result.single_gaussian + 0.01


def test_searches_from_other_starts_find_the_planted_segments() -> None:
    z = customers(TWO, 1_000, seed=3)
    statistics = em.sufficient_statistics(z)
    fit = em.fit_em(statistics, TWO, "full")
    result = start_stability(statistics, fit.parameters, SHAPE, seed=1)
    assert result.nondegenerate == result.searches
    assert result.agreement is not None
    assert result.agreement > 0.99
    assert result.gain == pytest.approx(0, abs=1e-3)


def test_a_poor_optimum_is_seen_by_the_gain_of_other_starts() -> None:
    z = customers(TWO, 1_000, seed=3)
    statistics = em.sufficient_statistics(z)
    poor = em.from_responsibilities(statistics, np.eye(2)[np.arange(1_000) % 2].T, "full")
    result = start_stability(statistics, poor, SHAPE, seed=1)
    assert result.agreement is not None
    assert result.agreement < 0.2
    assert result.gain is not None
    assert result.gain > 0.2


def test_searches_that_collapse_count_neither_as_agreement_nor_as_a_better_optimum() -> None:
    """One feature is nearly constant: whatever is fitted is flat."""
    z = customers(TWO, 1_000, seed=3)
    z[:, 1] *= 1e-3
    result = start_stability(em.sufficient_statistics(z), TWO, SHAPE, seed=1)
    assert (result.nondegenerate, result.agreement, result.gain) == (0, None, None)


def test_an_earlier_day_with_the_same_types_has_the_same_segments() -> None:
    z = customers(TWO, 2_000, seed=4)
    again = window_agreement(em.sufficient_statistics(z), TWO, SHAPE, seed=1)
    assert again is not None
    assert again > 0.95


def test_an_earlier_day_with_other_types_has_other_segments() -> None:
    turned = replace(TWO, means=np.array([[0.0, -3.0], [0.0, 4.0]]))
    z = customers(turned, 2_000, seed=4)
    again = window_agreement(em.sufficient_statistics(z), TWO, SHAPE, seed=1)
    assert again is not None
    assert again < 0.5


# ---------------------------------------------------------------------------------------------------- separation


def test_a_pair_that_overlaps_is_to_be_merged_and_others_are_not() -> None:
    nearest, *others = separation(model(0.0, 1.5, 6.0))
    assert (nearest.first, nearest.second, nearest.merge) == ("s1", "s2", True)
    assert nearest.affinity == pytest.approx(np.exp(-(1.5**2) / 8))
    assert [pair.merge for pair in others] == [False, False]


@pytest.mark.parametrize(("apart", "merge"), [(1.99, True), (2.01, False)])
def test_two_equal_gaussians_are_one_up_to_two_standard_deviations(
    apart: float, merge: bool
) -> None:
    (pair,) = separation(model(0.0, 3 * apart, deviation=3.0))
    assert pair.merge is merge


# ------------------------------------------------------------------------------------------- reference and groups


def counts(**customers_of: dict[str, int]) -> list[dict[str, Any]]:
    """Rows as the warehouse counts them, from segment → attribute → customers; half of each are of either tier."""
    return [
        {
            "attribute": None if attribute == "null" else attribute,
            "segment_key": segment,
            "action_tier": tier,
            "customers": number // 2,
        }
        for segment, own in customers_of.items()
        for (attribute, number), tier in product(own.items(), ("dominant", "hybrid"))
    ]


def test_a_reference_that_agrees_perfectly() -> None:
    result = reference_agreement("kind", counts(s1={"a": 500}, s2={"b": 300}, s3={"c": 200}))
    assert result.adjusted_rand == pytest.approx(1)
    assert result.normalized_mutual_information == pytest.approx(1)
    assert (result.groups, result.customers) == (3, 1_000)


def test_a_reference_that_has_nothing_to_do_with_it() -> None:
    result = reference_agreement("kind", counts(s1={"a": 300, "b": 200}, s2={"a": 300, "b": 200}))
    assert result.adjusted_rand == pytest.approx(0, abs=0.01)
    assert result.normalized_mutual_information == pytest.approx(0, abs=0.01)


def test_customers_without_a_reference_are_left_out() -> None:
    result = reference_agreement(
        "kind", counts(s1={"a": 500, "null": 400}, s2={"b": 300, "null": 600})
    )
    assert result.customers == 800
    assert result.adjusted_rand == pytest.approx(1)


def test_a_planted_difference_is_flagged_where_it_is_and_nowhere_else() -> None:
    rows = counts(
        s1={"young": 800, "old": 200}, s2={"young": 480, "old": 520}, s3={"young": 520, "old": 480}
    )
    flagged = {(share.name, share.group) for share in audit(rows) if share.flagged}
    assert flagged == {("s1", "young"), ("s1", "old"), ("s2", "old")}
    (young,) = [share for share in audit(rows) if (share.name, share.group) == ("s1", "young")]
    assert (young.kind, young.customers, young.share) == ("segment", 800, 0.8)
    assert young.overall_share == pytest.approx(0.6)
    assert young.ratio == pytest.approx(0.8 / 0.6)


def test_a_balanced_group_is_not_flagged() -> None:
    rows = counts(s1={"young": 500, "old": 500}, s2={"young": 104, "old": 96})
    assert not any(share.flagged for share in audit(rows))


def test_a_difference_among_few_customers_may_be_chance() -> None:
    """The same shares, in 20 customers and in 2,000."""
    few = counts(s1={"young": 14, "old": 6}, s2={"young": 1_000, "old": 1_000})
    many = counts(s1={"young": 1_400, "old": 600}, s2={"young": 1_000, "old": 1_000})
    assert not any(share.flagged for share in audit(few))
    assert any(share.flagged for share in audit(many))


def test_customers_without_a_value_are_a_group() -> None:
    result = audit(counts(s1={"young": 100, "null": 900}, s2={"young": 900, "null": 100}))
    assert {share.group for share in result} == {"young", "unknown"}
    assert all(share.flagged for share in result if share.kind == "segment")
    assert not any(share.flagged for share in result if share.kind == "tier")


# ------------------------------------------------------------------------------------------------------ verdict


def prediction(by: str, spend: Judgement | None, buying: Judgement | None) -> Prediction:
    return Prediction(by, 0.5, 0.8, 0.4, spend, buying)


STABLE = Validation(
    model_version=3,
    segments=("s1", "s2"),
    customers=1_000,
    likelihood=Likelihood(-1.0, -1.1, -2.0),
    starts=StartStability(3, 3, 1.0, 0.0),
    bootstraps=Stability(0.95, (0.9, 0.9), 0.0),
    windows=(Window("2026-01-01", 900, 0.9, (0.7, 0.3)),),
    shares=(0.6, 0.4),
    certainty=Certainty(0.9),
    pairs=separation(model(0.0, 9.0)),
    predictive_power=Unavailable("not asked"),
    simpler_methods=SimplerMethods(None, None, "Not known"),
    reference=None,
    protected=(),
)


def test_a_stable_model_gets_a_plain_sentence() -> None:
    assert verdict(STABLE) == (
        "The 2 segments of version 3 are stable on bootstrap samples (0.95), from other starts (1.00) and on earlier "
        "days (0.90); all segments are separate. Not known."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"bootstraps": Stability(0.6, (0.5, 0.5), 0.0)},
            "are not stable on bootstrap samples (0.60",
        ),
        (
            {"bootstraps": Stability(0.9, (0.99, 0.5), 0.0)},
            "single segments are not stable: s2 (0.50)",
        ),
        (
            {"windows": (Window("2026-01-01", 900, 0.4),)},
            "refits on earlier days give other segments (0.40)",
        ),
        (
            {"windows": ()},
            "are stable on bootstrap samples (0.95) and from other starts (1.00); all",
        ),
        (
            {"windows": (Window("2026-01-01", 900, None),)},
            "on every earlier day a refit of this shape collapsed",
        ),
        ({"starts": StartStability(3, 3, 0.5, 0.02)}, "ends 0.020 nats per customer better"),
        (
            {"starts": StartStability(3, 0, None, None)},
            "every search from other starts collapsed: fit fewer segments",
        ),
        ({"pairs": separation(model(0.0, 1.0))}, "is one group: s1 with s2"),
        (
            {"protected": audit(counts(s1={"a": 800, "b": 200}, s2={"a": 200, "b": 800}))},
            "over- or under-represented in s1, s2",
        ),
        (
            {"protected": audit(counts(s1={"a": 500, "b": 500}, s2={"a": 500, "b": 500}))},
            "no segment and no tier",
        ),
    ],
)
def test_every_doubt_is_in_the_verdict(change: dict[str, Any], said: str) -> None:
    assert said in verdict(replace(STABLE, **change))


def test_a_warning_stored_with_the_model_is_in_the_verdict() -> None:
    warned = replace(STABLE, warnings=("there is no stable segmentation", "few customers."))
    assert verdict(warned).endswith(
        "all segments are separate. Not known. Warning stored with the model: there is no stable segmentation. "
        "Warning stored with the model: few customers."
    )


@pytest.mark.parametrize(
    ("spend", "buying", "said"),
    [
        ("better", "better", "predict the next 90 days better than RFM quintiles"),
        ("worse", "worse", "predict the next 90 days worse than RFM quintiles"),
        ("alike", "alike", "predict the next 90 days as well as RFM quintiles"),
        (
            "better",
            "worse",
            "better than RFM quintiles for spend, worse than RFM quintiles for buying at all",
        ),
        (None, "better", "predict the next 90 days better than RFM quintiles"),
    ],
)
def test_the_verdict_says_what_memberships_predict(
    spend: Judgement | None, buying: Judgement | None, said: str
) -> None:
    predictions = (
        prediction("memberships", None, None),
        prediction("RFM quintiles", spend, buying),
    )
    split = PredictivePower("2026-01-01", 90, 900, 0.3, predictions, "2025-10-03")
    simpler = simpler_methods(split, Silhouettes(0.4, 0.3))
    assert said in simpler.sentence
    assert f"{simpler.sentence}." in verdict(replace(STABLE, simpler_methods=simpler))


def test_the_module_names_what_it_means_by_one_peak() -> None:
    """Two standard deviations apart: exp(-2^2 / 8)."""
    assert pytest.approx(np.exp(-(2**2) / 8)) == MERGE_AFFINITY
