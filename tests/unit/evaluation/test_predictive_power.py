"""What sources predict: planted types that spend differently later, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse_seg.evaluation.prediction import indicators, judgement, predictions
from warehouse_seg.evaluation.predictive_power import PredictivePower, predictive_power
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.project.time_split import TimeSplit

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


def test_planted_types_predict_more_than_shuffled_ones() -> None:
    memberships, types = memberships_and_types(seed=1)
    spend = spend_by_type(types, seed=2)
    shuffled = np.random.default_rng(3).permutation(memberships)
    own, other = predictions(
        {"memberships": memberships, "shuffled": shuffled}, spend, spend > 0, seed=1
    )
    assert own.spend_r2 is not None
    assert other.spend_r2 is not None
    assert own.spend_r2 > 0.3
    assert other.spend_r2 < 0.01
    assert (other.spend_comparison, other.buying_comparison) == ("better", "better")
    assert own.buying_auc is not None
    assert own.buying_auc > 0.7
    assert (own.spend_comparison, own.buying_comparison) == (None, None)


def test_shuffled_memberships_predict_less_than_planted_types() -> None:
    """The other sign."""
    memberships, types = memberships_and_types(seed=1)
    spend = spend_by_type(types, seed=2)
    shuffled = np.random.default_rng(3).permutation(memberships)
    _, other = predictions(
        {"shuffled": shuffled, "memberships": memberships}, spend, spend > 0, seed=1
    )
    assert (other.spend_comparison, other.buying_comparison) == ("worse", "worse")


def test_two_descriptions_that_say_nothing_are_alike() -> None:
    _, types = memberships_and_types(seed=1)
    spend = spend_by_type(types, seed=2)
    random = np.random.default_rng(4)
    noise = {name: random.standard_normal((COUNT, 3)) for name in ("one", "two")}
    _, other = predictions(noise, spend, spend > 0, seed=1)
    assert (other.spend_comparison, other.buying_comparison) == ("alike", "alike")


@pytest.mark.parametrize("bought", [np.zeros(COUNT, bool), np.arange(COUNT) < 10])
def test_where_hardly_anybody_buys_nothing_is_measured(bought: NDArray[np.bool_]) -> None:
    memberships, _ = memberships_and_types(seed=1)
    designs = {"one": memberships, "two": memberships}
    for prediction in predictions(designs, np.where(bought, 10.0, 0.0), bought, seed=1):
        assert (prediction.spend_r2, prediction.buying_auc, prediction.buying_log_loss) == (
            None,
            None,
            None,
        )
        assert (prediction.spend_comparison, prediction.buying_comparison) == (None, None)


def test_where_everybody_buys_only_spend_is_measured() -> None:
    memberships, types = memberships_and_types(seed=1)
    spend = spend_by_type(types, seed=2) + 1
    (prediction,) = predictions({"one": memberships}, spend, spend > 0, seed=1)
    assert prediction.spend_r2 is not None
    assert prediction.buying_auc is None


def test_refunds_after_the_day_are_no_spend() -> None:
    memberships, types = memberships_and_types(seed=1)
    spend = spend_by_type(types, seed=2)
    with_refunds: Array = np.where(spend == 0, -500.0, spend)
    expected, prediction = (
        predictions({"one": memberships}, values, spend > 0, seed=1)[0]
        for values in (spend, with_refunds)
    )
    assert prediction == expected


def test_a_difference_counts_from_two_standard_errors_on() -> None:
    """Ten folds whose differences vary by 1: the corrected error is sqrt((1/10 + 1/4) * 1)."""
    other = np.zeros(10)
    spread = np.array([-1.0, 1.0] * 5) * np.sqrt(0.9)
    error = np.sqrt(0.35)
    assert judgement(spread + 2.01 * error, other) == "better"
    assert judgement(spread + 1.99 * error, other) == "alike"
    assert judgement(spread - 2.01 * error, other) == "worse"


def test_the_time_split_fits_as_of_the_day() -> None:
    random = np.random.default_rng(5)
    types = random.choice(2, COUNT)
    z = random.standard_normal((COUNT, 2)) + np.array([[-2.5, 0.0], [2.5, 0.0]])[types]
    # What customers do later depends on their type, and not on where in it they are.
    spend = np.where(types == 1, 100.0, 0.0) * (random.random(COUNT) < 0.8)
    history = random.random((COUNT, 3))
    time_split = TimeSplit("2026-01-01", 90, em.sufficient_statistics(z), history, spend, spend > 0)
    power = predictive_power(time_split, Shape(2, "full"), seed=1)
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
    assert by_source["RFM quintiles"].buying_comparison == "better"
    assert by_source["k-means labels"].buying_comparison in ("alike", "better")


def test_indicators_have_a_column_for_each_label_that_occurs() -> None:
    assert indicators(np.array([3, 1, 3])).tolist() == [[0, 1], [1, 0], [0, 1]]
