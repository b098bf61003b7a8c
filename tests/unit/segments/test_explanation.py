"""What `explain` says of a customer: the nearest change really changes the segment, and nothing nearer does."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from scipy.special import softmax

from tests.parity.random_models import Case, Range, cases
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.explanation import explain
from warehouse_seg.segments.nearest_change import BOUNDARY_STEP, Change, _positive_roots

Array = NDArray[np.float64]

SEVERAL = Range(features=5, segments=5, condition=1e3, mean=3, farthest=None)
EXAMPLES = settings(max_examples=40, derandomize=True, deadline=None)
GRID = np.linspace(0, 1, 2001)


def top_at(model: SegmentModel, columns: dict[str, float]) -> str:
    log_joint = model.log_joint({name: np.array([value]) for name, value in columns.items()})[0]
    return model.components[int(np.argmax(log_joint))].segment_key


def feature_of(model: SegmentModel, name: str) -> Feature:
    return next(feature for feature in model.features if feature.feature == name)


def z_of(feature: Feature, value: float) -> float:
    return float(feature.standardized(np.array([value]))[0])


def tops_along(model: SegmentModel, columns: dict[str, float], name: str, reach: float) -> Array:
    """Whether another segment is on top, on a dense grid of z up to `reach` on both sides, in reach of the clips."""
    feature = feature_of(model, name)
    steps = np.concatenate([-GRID[::-1], GRID]) * reach
    z = z_of(feature, columns[name]) + steps
    low, high = (
        -math.inf if feature.clip_low is None else z_of(feature, feature.clip_low),
        math.inf if feature.clip_high is None else z_of(feature, feature.clip_high),
    )
    z = z[(z >= low) & (z <= high)]
    values = np.array([feature.raw(value) for value in z])
    many = {other: np.full(len(values), value) for other, value in columns.items()} | {name: values}
    tops = np.argmax(model.log_joint(many), axis=1)
    here = [c.segment_key for c in model.components].index(top_at(model, columns))
    is_another: Array = tops != here
    return is_another


@st.composite
def customers(draw: st.DrawFn) -> tuple[SegmentModel, dict[str, float]]:
    """One customer of a random model, of whom some features may be missing."""
    case: Case = draw(cases(SEVERAL))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1), "seed of the customer"))
    columns = {name: float(generator.choice(values)) for name, values in case.columns.items()}
    for name in columns:
        if generator.random() < 0.15:
            columns[name] = math.nan
    return case.model, columns


@EXAMPLES
@given(customer=customers())
def test_at_the_reported_value_the_segment_is_another_and_a_hair_before_it_is_not(
    customer: tuple[SegmentModel, dict[str, float]],
) -> None:
    model, columns = customer
    explanation = explain(model, columns)
    change = explanation.nearest_change
    if change is None:
        return
    assert top_at(model, columns | {change.feature: change.new_value}) == change.segment_key
    assert change.segment_key != explanation.segment_key
    feature = feature_of(model, change.feature)
    here, there = z_of(feature, change.value), z_of(feature, change.new_value)
    assert change.standard_deviations == pytest.approx(abs(there - here), rel=1e-12)
    before = there - math.copysign(2.5 * BOUNDARY_STEP, there - here)
    if (there - before) * (before - here) > 0:
        almost = columns | {change.feature: feature.raw(before)}
        assert top_at(model, almost) == explanation.segment_key


@EXAMPLES
@given(customer=customers())
def test_no_smaller_change_of_one_feature_is_found_on_a_dense_grid(
    customer: tuple[SegmentModel, dict[str, float]],
) -> None:
    model, columns = customer
    change = explain(model, columns).nearest_change
    reach = 30.0 if change is None else change.standard_deviations - 2 * BOUNDARY_STEP
    for name, value in columns.items():
        if not math.isnan(value) and reach > 0:
            assert not tops_along(model, columns, name, reach).any()


def test_the_grid_sees_a_change_that_is_nearer() -> None:
    """The fault planted: a reach just beyond the nearest change."""
    model = two_kinds()
    columns = {"order_count": 1.0, "recency_days": 10.0}
    change = explain(model, columns).nearest_change
    assert change is not None
    reach = change.standard_deviations
    assert not tops_along(model, columns, change.feature, 0.5 * reach).any()
    assert tops_along(model, columns, change.feature, 1.1 * reach).any()


# ------------------------------------------------------------------------------------- numbers by head


def two_kinds(**changed: object) -> SegmentModel:
    """Whoever places fewer than four orders is a stranger (s1), else a friend (s2); days say nothing."""
    orders = Feature(feature="order_count", resolution=1.0).model_copy(update=changed)
    return SegmentModel(
        covariance_type="spherical",
        features=(orders, Feature(feature="recency_days", resolution=1.0)),
        components=(
            Component.from_covariance("s1", 0.5, np.array([1.0, 10.0]), np.eye(2), "Strangers"),
            Component.from_covariance("s2", 0.5, np.array([6.5, 10.0]), np.eye(2), "Friends"),
        ),
    )


def change_of(model: SegmentModel, orders: float) -> Change | None:
    return explain(model, {"order_count": orders, "recency_days": 10.0}).nearest_change


def test_a_feature_with_a_unit_moves_to_the_next_whole_one_beyond_the_boundary() -> None:
    """The boundary is 3.75."""
    assert change_of(two_kinds(), 3) == Change("order_count", None, 3, 4, 1, "s2", "Friends")
    assert change_of(two_kinds(), 6) == Change("order_count", None, 6, 3, 3, "s1", "Strangers")
    in_cents = change_of(two_kinds(resolution=0.01), 3)
    assert in_cents is not None
    assert in_cents.new_value == 3.76


def test_without_a_unit_it_is_the_boundary_itself() -> None:
    change = change_of(two_kinds(resolution=0.0), 3)
    assert change is not None
    assert 3.75 < change.new_value < 3.75 + 2e-6


@pytest.mark.parametrize(("high", "reached"), [(3.5, None), (3.8, 4.0), (4.0, 4.0)])
def test_beyond_a_clip_nothing_changes(high: float, reached: float | None) -> None:
    """The boundary is 3.75. Where four orders count as 3.8 they are enough, as 3.5 they are not."""
    change = change_of(two_kinds(clip_high=high), 3)
    assert (None if change is None else change.new_value) == reached


def test_a_share_stays_a_share() -> None:
    """Its boundary is 3.75; nobody spends that part of their money."""
    orders = Feature(feature="share_wine")
    model = two_kinds().model_copy(update={"features": (orders, two_kinds().features[1])})
    assert explain(model, {"share_wine": 0.5, "recency_days": 10.0}).nearest_change is None


def test_a_third_segment_on_the_way_is_the_one_that_is_reached() -> None:
    """s3 stands between s1 and s2, narrow: it is entered first, though s2 is the runner-up elsewhere."""
    features = (Feature(feature="x"),)
    model = SegmentModel(
        covariance_type="full",
        features=features,
        components=(
            Component.from_covariance("s1", 0.4, np.array([0.0]), np.eye(1)),
            Component.from_covariance("s2", 0.4, np.array([4.0]), np.eye(1)),
            Component.from_covariance("s3", 0.2, np.array([1.5]), np.eye(1) / 100),
        ),
    )
    change = explain(model, {"x": 1.0}).nearest_change
    assert change is not None
    assert change.segment_key == "s3"
    # With whole units only, the narrow one is passed over.
    whole = model.model_copy(update={"features": (Feature(feature="x", resolution=1.0),)})
    change = explain(whole, {"x": 1.0}).nearest_change
    assert change is not None
    assert (change.segment_key, change.new_value) == ("s2", 3.0)


def test_a_density_that_is_only_touched_is_not_entered() -> None:
    """The polynomial (t - 2)^2 is never below zero."""
    assert _positive_roots(1, -4, 4) == [2.0, 2.0]
    assert _positive_roots(1, 0, 1) == []
    assert _positive_roots(0, -2, 1) == [0.5]
    assert _positive_roots(0, 0, 1) == []


def test_an_exact_tie_is_left_at_once() -> None:
    change = change_of(two_kinds(), 3.75)
    assert change is not None
    assert (change.new_value, change.segment_key) == (4, "s2")


def test_a_ratio_is_reported_with_its_reference() -> None:
    ratio = Feature(
        feature="share_wine", reference="share_other", floor=0.01, transform="log", clip_low=0.01
    )
    model = SegmentModel(
        covariance_type="full",
        features=(ratio,),
        components=(
            Component.from_covariance("s1", 0.5, np.array([-1.0]), np.eye(1)),
            Component.from_covariance("s2", 0.5, np.array([1.0]), np.eye(1)),
        ),
    )
    explanation = explain(model, {"share_wine": 0.1, "share_other": 0.4})
    (contribution,) = explanation.contributions
    assert contribution.reference == "share_other"
    assert contribution.value == pytest.approx(0.25)
    assert contribution.midpoint == pytest.approx(1.0)
    assert explanation.nearest_change is not None
    assert explanation.nearest_change.reference == "share_other"
    assert explanation.nearest_change.new_value == pytest.approx(1.0, rel=1e-5)


# ------------------------------------------------------------- changes that a customer can make, and no others


def test_a_change_beyond_what_customers_have_is_not_offered() -> None:
    usual = {"0.01": 0.0, "0.99": 3.0}
    assert change_of(two_kinds(quantiles=usual), 1.0) is None


def test_a_change_up_to_the_last_percent_is_offered() -> None:
    change = change_of(two_kinds(quantiles={"0.01": 0.0, "0.99": 4.0}), 1.0)
    assert change is not None
    assert change.new_value == 4


def test_who_is_beyond_the_usual_may_come_back() -> None:
    change = change_of(two_kinds(quantiles={"0.01": 0.0, "0.99": 6.0}), 500.0)
    assert change is not None
    assert change.new_value == 3


def test_a_change_below_the_first_percent_is_not_offered() -> None:
    assert change_of(two_kinds(quantiles={"0.01": 5.0, "0.99": 9.0}), 8.0) is None


def test_a_feature_that_others_determine_does_not_move_alone() -> None:
    """Pantry spend is nearly all of the spend: it cannot be more than that."""
    nearly_one = np.array([[1.0, 0.995], [0.995, 1.0]])
    model = SegmentModel(
        covariance_type="full",
        features=(Feature(feature="net_spend"), Feature(feature="spend_pantry")),
        components=(
            Component.from_covariance("s1", 0.5, np.zeros(2), nearly_one),
            Component.from_covariance("s2", 0.5, np.full(2, 3.0), nearly_one),
        ),
    )
    assert explain(model, {"net_spend": 0.5, "spend_pantry": 0.6}).nearest_change is None


def test_of_two_features_that_move_together_a_third_moves_alone() -> None:
    covariance = np.array([[1.0, 0.995, 0.0], [0.995, 1.0, 0.0], [0.0, 0.0, 1.0]])
    model = SegmentModel(
        covariance_type="full",
        features=tuple(Feature(feature=name) for name in ("net_spend", "spend_pantry", "orders")),
        components=(
            Component.from_covariance("s1", 0.5, np.zeros(3), covariance),
            Component.from_covariance("s2", 0.5, np.full(3, 3.0), covariance),
        ),
    )
    change = explain(
        model, dict.fromkeys(("net_spend", "spend_pantry", "orders"), 0.5)
    ).nearest_change
    assert change is not None
    assert change.feature == "orders"


@pytest.mark.parametrize(("most", "is_offered"), [(0.41, True), (0.39, False)])
def test_a_ratio_moves_within_the_usual_values_of_its_share(most: float, is_offered: bool) -> None:
    """The ratio 1 is a share of 0.4 beside another of 0.4."""
    ratio = Feature(
        feature="share_wine",
        reference="share_other",
        floor=0.01,
        transform="log",
        clip_low=0.01,
        quantiles={"0.01": 0.01, "0.99": most},
    )
    model = SegmentModel(
        covariance_type="full",
        features=(ratio,),
        components=(
            Component.from_covariance("s1", 0.5, np.array([-1.0]), np.eye(1)),
            Component.from_covariance("s2", 0.5, np.array([1.0]), np.eye(1)),
        ),
    )
    change = explain(model, {"share_wine": 0.1, "share_other": 0.4}).nearest_change
    assert (change is not None) == is_offered


# ---------------------------------------------------------------------------------- memberships and gaps


@EXAMPLES
@given(customer=customers())
def test_memberships_are_the_models(customer: tuple[SegmentModel, dict[str, float]]) -> None:
    model, columns = customer
    log_joint = model.log_joint({name: np.array([value]) for name, value in columns.items()})[0]
    expected = dict(zip([c.segment_key for c in model.components], softmax(log_joint), strict=True))
    memberships = explain(model, columns).memberships
    assert {m.segment_key: m.membership for m in memberships} == pytest.approx(expected, abs=1e-12)
    shares = [m.membership for m in memberships]
    assert shares == sorted(shares, reverse=True)


def test_where_nothing_was_measured_the_weights_remain() -> None:
    explanation = explain(two_kinds(), {"order_count": math.nan, "recency_days": math.inf})
    assert [m.membership for m in explanation.memberships] == [0.5, 0.5]
    assert (explanation.log_odds, explanation.base_log_odds) == (0.0, 0.0)
    assert explanation.contributions == []
    assert explanation.missing_features == ["order_count", "recency_days"]
    assert explanation.nearest_change is None


def test_with_one_segment_there_is_nothing_to_choose() -> None:
    whole = two_kinds()
    only = whole.components[0].model_copy(update={"weight": 1.0})
    explanation = explain(
        whole.model_copy(update={"components": (only,)}), {"order_count": 1, "recency_days": 1}
    )
    assert (
        explanation.runner_up_segment_key,
        explanation.log_odds,
        explanation.nearest_change,
    ) == (None, None, None)
    assert [m.membership for m in explanation.memberships] == [1.0]
