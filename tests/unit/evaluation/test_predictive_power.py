"""What sources predict: planted types that spend differently later, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss, r2_score, roc_auc_score

from warehouse_seg.evaluation.prediction import (
    Difference,
    Forecast,
    Outcomes,
    compared,
    cross_validated_forecast,
    frozen_forecast,
    indicators,
    paired_auc,
    placements,
)
from warehouse_seg.evaluation.predictive_power import (
    PredictivePower,
    frozen_split,
    predictive_power,
    rfm_designs,
)
from warehouse_seg.evaluation.rfm_rules import QuintileCuts
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.model.feature import Feature
from warehouse_seg.project.time_split import FollowedCustomers, TimeSplit, Unavailable

Array = NDArray[np.float64]
COUNT = 1_500


def memberships_and_types(seed: int) -> tuple[Array, NDArray[np.intp]]:
    random = np.random.default_rng(seed)
    memberships = random.dirichlet([0.2, 0.2, 0.2], COUNT)
    types: NDArray[np.intp] = (memberships.cumsum(axis=1) < random.random(COUNT)[:, None]).sum(
        axis=1
    )
    return memberships, types


def spend_by_type(types: NDArray[np.intp], seed: int) -> Array:
    """Of the third type nearly nobody buys, of the first nearly everybody, and more."""
    random = np.random.default_rng(seed)
    buys = random.random(COUNT) < np.array([0.9, 0.4, 0.1])[types]
    spend: Array = buys * np.array([200.0, 50.0, 20.0])[types] * random.lognormal(0, 0.3, COUNT)
    return spend


def planted(seed: int) -> tuple[Array, Outcomes]:
    memberships, types = memberships_and_types(seed)
    spend = spend_by_type(types, seed + 1)
    return memberships, Outcomes.of(spend, (spend > 0).astype(float), 50.0)


def both(first: Array, other: Array, outcomes: Outcomes) -> dict[str, Forecast]:
    designs = {"first": first, "other": other}
    return {name: cross_validated_forecast(d, outcomes, seed=1) for name, d in designs.items()}


# ------------------------------------------------------------------------------------------------ the figures


def test_figures_are_those_of_scikit_learn() -> None:
    design, outcomes = planted(1)
    later_design, later = planted(5)
    forecast = frozen_forecast(design, outcomes, later_design, later)
    assert forecast.spend is not None
    assert forecast.buying is not None
    assert forecast.spend_r2 == pytest.approx(r2_score(later.spend, forecast.spend))
    assert forecast.buying_auc == pytest.approx(roc_auc_score(later.bought, forecast.buying))
    assert forecast.buying_log_loss == pytest.approx(log_loss(later.bought, forecast.buying))


def test_ties_count_half() -> None:
    predicted = np.array([0.2, 0.5, 0.5, 0.9])
    bought = np.array([False, False, True, True])
    above, below = placements(predicted, bought)
    assert above.tolist() == [0.75, 1.0]
    assert below.tolist() == [1.0, 0.75]


def test_the_error_of_an_auc_is_what_bootstrap_samples_say() -> None:
    design, outcomes = planted(1)
    noisy = design + 0.5 * np.random.default_rng(9).standard_normal(design.shape)
    forecasts = both(design, noisy, outcomes)
    own, other = forecasts["first"].buying, forecasts["other"].buying
    assert own is not None
    assert other is not None
    difference = paired_auc(own, other, outcomes.bought)
    random = np.random.default_rng(2)
    drawn = []
    for _ in range(300):
        rows = random.integers(COUNT, size=COUNT)
        areas = [roc_auc_score(outcomes.bought[rows], each[rows]) for each in (own, other)]
        drawn.append(areas[0] - areas[1])
    assert difference.value == pytest.approx(np.mean(drawn), abs=3 * difference.standard_error)
    assert difference.standard_error == pytest.approx(np.std(drawn), rel=0.2)


def test_planted_types_predict_more_than_shuffled_ones() -> None:
    memberships, outcomes = planted(1)
    shuffled = np.random.default_rng(3).permutation(memberships)
    own, other = compared(both(memberships, shuffled, outcomes))
    assert (own.spend_r2 or 0) > 0.3
    assert (other.spend_r2 or 0) < 0.01
    assert (other.spend_comparison, other.buying_comparison) == ("better", "better")
    assert (own.buying_auc or 0) > 0.7
    assert (own.spend_comparison, own.buying_comparison, own.spend_r2_ahead) == (None, None, None)
    assert other.spend_r2_ahead is not None
    assert other.spend_r2_ahead.value == pytest.approx((own.spend_r2 or 0) - (other.spend_r2 or 0))
    # The other sign.
    _, better = compared(both(shuffled, memberships, outcomes))
    assert (better.spend_comparison, better.buying_comparison) == ("worse", "worse")


def test_two_descriptions_that_say_nothing_are_alike() -> None:
    _, outcomes = planted(1)
    random = np.random.default_rng(4)
    one, two = (random.standard_normal((COUNT, 3)) for _ in range(2))
    _, other = compared(both(one, two, outcomes))
    assert (other.spend_comparison, other.buying_comparison) == ("alike", "alike")


@pytest.mark.parametrize("bought", [np.zeros(COUNT, bool), np.arange(COUNT) < 10])
def test_where_hardly_anybody_buys_nothing_is_measured(bought: NDArray[np.bool_]) -> None:
    memberships, _ = memberships_and_types(seed=1)
    outcomes = Outcomes(np.where(bought, 1.0, 0.0), bought)
    for prediction in compared(both(memberships, memberships, outcomes)):
        figures = (prediction.spend_r2, prediction.buying_auc, prediction.buying_log_loss)
        assert figures == (None, None, None)
        assert (prediction.spend_comparison, prediction.buying_comparison) == (None, None)


def test_where_everybody_buys_only_spend_is_measured() -> None:
    memberships, outcomes = planted(1)
    all_bought = Outcomes(outcomes.spend + 1, np.ones(COUNT, bool))
    forecast = cross_validated_forecast(memberships, all_bought, seed=1)
    assert forecast.spend_r2 is not None
    assert forecast.buying_auc is None


def test_refunds_after_the_day_are_no_spend() -> None:
    spend = np.array([100.0, -500.0, 0.0])
    outcomes = Outcomes.of(spend, np.array([1.0, 0.0, 0.0]), 50.0)
    assert outcomes.spend.tolist() == [pytest.approx(np.log(3)), 0.0, 0.0]
    assert outcomes.bought.tolist() == [True, False, False]


@pytest.mark.parametrize("factor", [0.01, 30.0, 15_000.0])
def test_the_figures_do_not_depend_on_the_currency(factor: float) -> None:
    _, types = memberships_and_types(seed=1)
    spend = spend_by_type(types, seed=2)
    orders = (spend > 0).astype(float)
    plain = Outcomes.of(spend, orders, 50.0)
    converted = Outcomes.of(spend * factor, orders, 50.0 * factor)
    np.testing.assert_allclose(converted.spend, plain.spend, rtol=1e-12)


def test_a_difference_counts_from_two_standard_errors_on() -> None:
    assert Difference(2.01, 1.0).judgement == "better"
    assert Difference(1.99, 1.0).judgement == "alike"
    assert Difference(-2.01, 1.0).judgement == "worse"


def test_indicators_have_a_column_for_each_label_that_occurs_or_is_asked_for() -> None:
    labels = np.array([3, 1, 3])
    assert indicators(labels).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert indicators(labels, np.array([1, 2, 3])).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]


# --------------------------------------------------------------------------------------------- the frozen split


def followed(seed: int, *, shift: float = 0.0) -> FollowedCustomers:
    """Two types of customers; the second buys later, whatever else is known of it."""
    random = np.random.default_rng(seed)
    types = random.choice(2, COUNT)
    first, second = (
        np.exp(random.standard_normal(COUNT) + 4 * types + shift),
        random.lognormal(0, 1, COUNT),
    )
    spend = np.where(types == 1, 100.0, 0.0) * (random.random(COUNT) < 0.8)
    columns = {
        "recency_days": first,
        "order_count": second,
        "net_spend": random.lognormal(0, 1, COUNT),
        "average_order_value": np.full(COUNT, 20.0),
        "next_net_spend": spend,
        "next_order_count": (spend > 0).astype(float),
    }
    return FollowedCustomers("2026-01-01", 90, columns)


FEATURES = tuple(
    Feature(feature=name, transform="log", clip_low=1e-3)
    for name in ("recency_days", "order_count")
)


def test_the_mixture_is_fitted_on_the_first_day_and_measured_on_the_second() -> None:
    power = predictive_power(
        TimeSplit(followed(1), followed(2)), FEATURES, Shape(2, "full"), seed=1
    )
    assert isinstance(power, PredictivePower)
    by_source = {prediction.source: prediction for prediction in power.predictions}
    assert list(by_source) == [
        "memberships",
        "top segment",
        "k-means labels",
        "RFM quintiles",
        "the features themselves",
    ]
    assert (by_source["memberships"].buying_auc or 0) > 0.85
    assert by_source["k-means labels"].buying_comparison in ("alike", "better")


def test_treatment_and_regressions_are_frozen() -> None:
    """Of customers who all moved, the first day's mixture says what it said of such customers on that day."""
    still = frozen_split(TimeSplit(followed(1), followed(1)), FEATURES)
    moved = frozen_split(TimeSplit(followed(1), followed(1, shift=4.0)), FEATURES)
    assert not isinstance(still, Unavailable)
    assert not isinstance(moved, Unavailable)
    own, other = (split.memberships(Shape(2, "full"), 1) for split in (still, moved))
    assert not isinstance(own, Unavailable)
    assert not isinstance(other, Unavailable)
    np.testing.assert_array_equal(own[0], own[1])
    np.testing.assert_array_equal(own[0], other[0])
    # All customers are where the second type was.
    assert other[1].argmax(axis=1).mean() in (pytest.approx(0, abs=0.1), pytest.approx(1, abs=0.1))


def test_what_came_after_the_first_day_never_reaches_the_second_ones_memberships() -> None:
    """Outcomes of the first window change predictions, and no membership."""
    changed = followed(1)
    changed.columns["next_net_spend"] = changed.columns["next_net_spend"][::-1].copy()
    splits = [
        frozen_split(TimeSplit(first, followed(2)), FEATURES) for first in (followed(1), changed)
    ]
    memberships = []
    for split in splits:
        assert not isinstance(split, Unavailable)
        own = split.memberships(Shape(2, "full"), 1)
        assert not isinstance(own, Unavailable)
        memberships.append(own[1])
    np.testing.assert_array_equal(memberships[0], memberships[1])


def test_features_that_cannot_be_prepared_on_the_first_day_say_so() -> None:
    constant = followed(1)
    constant.columns["recency_days"] = np.ones(COUNT)
    constant.columns["order_count"] = np.ones(COUNT)
    unavailable = frozen_split(TimeSplit(constant, followed(2)), FEATURES)
    assert isinstance(unavailable, Unavailable)
    assert unavailable.reason.startswith("as of 2026-01-01: ")


def test_quintiles_are_cut_where_they_lie_on_the_first_day() -> None:
    values = np.arange(100.0)
    history = np.column_stack([values] * 3)
    cuts = QuintileCuts.of(history)
    assert cuts.indicators(history).sum(axis=0).tolist() == [20.0] * 15
    later = np.column_stack([values + 1_000] * 3)
    assert cuts.indicators(later)[:, [4, 9, 14]].all()
    first, second = rfm_designs(TimeSplit(followed(1), followed(2)))
    assert first.shape == second.shape == (COUNT, 15)
