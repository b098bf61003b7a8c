"""What is stored of unseen time: counted by hand, in the model's own segments."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse_seg.evaluation.choice_window import ChoiceWindow
from warehouse_seg.evaluation.model_forecast import segment_forecasts, with_forecast
from warehouse_seg.events import Event
from warehouse_seg.features.feature_sets import named_features
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.time_split import FollowedCustomers, TimeSplit, Unavailable
from warehouse_seg.settings import FeatureChoice, settings_from

Array = NDArray[np.float64]
COUNT = 2_000
CHOICES = [FeatureChoice(name="recency_days"), FeatureChoice(name="net_spend")]
SETTINGS = settings_from({"model": {"segments": {"min": 2, "max": 2}, "covariance": "full"}}).model


def columns(seed: int) -> dict[str, Array]:
    """Two kinds far apart; four of five of the one buy for 100 in the window, a tenth of the other for 10."""
    random = np.random.default_rng(seed)
    kind = random.integers(2, size=COUNT)
    bought = random.random(COUNT) < np.where(kind == 1, 0.8, 0.1)
    return {
        "recency_days": np.exp(5 - 3 * kind + 0.3 * random.standard_normal(COUNT)),
        "order_count": 1.0 + random.poisson(1 + 4 * kind),
        "net_spend": np.exp(3 + 3 * kind + 0.3 * random.standard_normal(COUNT)),
        "average_order_value": np.exp(3 + 0.1 * random.standard_normal(COUNT)),
        "next_net_spend": bought * np.where(kind == 1, 100.0, 10.0),
        "next_order_count": bought.astype(float),
        "kind": kind.astype(float),
    }


def followed(seed: int, day: str) -> FollowedCustomers:
    return FollowedCustomers(day, 90, columns(seed))


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    return fit_model(Sample(columns(1), COUNT), CHOICES, SETTINGS)


@pytest.fixture(scope="module")
def time_split() -> TimeSplit:
    return TimeSplit(followed(2, "2026-01-01"), followed(3, "2026-04-01"))


def test_what_the_customers_of_a_segment_did_is_counted(
    model: SegmentModel, time_split: TimeSplit
) -> None:
    second = time_split.second.columns
    for forecast in segment_forecasts(model, time_split):
        active = forecast.bought > 0.5
        own = second["kind"] == active
        assert forecast.customers == pytest.approx(own.sum(), abs=1)
        assert forecast.bought == pytest.approx(second["next_order_count"][own].mean(), abs=1e-3)
        assert forecast.spend == pytest.approx(second["next_net_spend"][own].mean(), rel=1e-2)
        assert forecast.bought_low < (0.8 if active else 0.1) < forecast.bought_high
        assert forecast.spend_low < (80 if active else 1) < forecast.spend_high


def test_intervals_hold_the_truth_nineteen_times_of_twenty(model: SegmentModel) -> None:
    first = followed(2, "2026-01-01")
    held = [
        own.bought_low <= (0.8 if own.bought > 0.5 else 0.1) <= own.bought_high
        for seed in range(10, 60)
        for own in segment_forecasts(model, TimeSplit(first, followed(seed, "2026-04-01")))
    ]
    assert 0.88 <= np.mean(held) <= 1


def test_the_forecast_is_kept_with_the_model_and_survives_json(
    model: SegmentModel, time_split: TimeSplit
) -> None:
    said: list[Event] = []
    stored = with_forecast(model, time_split, 1, said.append)
    forecast = stored.training.forecast
    assert forecast is not None
    assert (forecast.fitted_as_of_date, forecast.as_of_date) == ("2026-01-01", "2026-04-01")
    assert forecast.sources[0].source == "memberships"
    assert [own.segment_key for own in forecast.segments] == ["s1", "s2"]
    assert "which nothing has seen, memberships predict: spend R² 0." in said[-1].text
    assert SegmentModel.from_json(stored.to_json()) == stored
    assert stored.fingerprint == model.fingerprint


def test_without_history_the_model_stays_as_it_is(model: SegmentModel) -> None:
    assert with_forecast(model, Unavailable("no order lines"), 1) is model


# ---------------------------------------------------------------------------------------- the choice window


def test_the_choice_sees_what_mixtures_predict() -> None:
    window = ChoiceWindow(followed(2, "2026-01-01"), 1)
    assert window.unavailable() is None
    assert window.window == "the 90 days after 2026-01-01"
    own = named_features(CHOICES)
    one, two = (window.predicted(own, Shape(count, "full")) for count in (1, 2))
    assert one is not None
    assert two is not None
    assert one.losses.mean() == pytest.approx(1, abs=0.01)
    assert two.losses.mean() < 0.7
    assert (two.buying_auc or 0) > 0.8
    screened = window.screened(own, SETTINGS)
    assert [candidate.n_components for candidate in screened] == [2]
    assert screened[0].prediction_loss == pytest.approx(two.losses.mean(), abs=0.02)


@pytest.mark.parametrize("buyers", [0, 49])
def test_a_window_in_which_hardly_anybody_bought_chooses_nothing(buyers: int) -> None:
    bought = (np.arange(COUNT) < buyers).astype(float)
    few = columns(2) | {"next_net_spend": bought, "next_order_count": bought}
    unavailable = ChoiceWindow(FollowedCustomers("2026-01-01", 90, few), 1).unavailable()
    assert unavailable == Unavailable(
        f"too few of 2,000 customers bought in the 90 days after 2026-01-01 ({buyers}, needed 50)"
    )


def test_buyers_beyond_the_screened_customers_choose_nothing() -> None:
    many = {name: np.tile(values, 4) for name, values in columns(2).items()}
    bought = (np.arange(4 * COUNT) >= 3 * COUNT).astype(float)
    window = ChoiceWindow(
        FollowedCustomers(
            "2026-01-01", 90, many | {"next_net_spend": bought, "next_order_count": bought}
        ),
        1,
    )
    assert window.screened_customers == 6_000
    assert isinstance(window.unavailable(), Unavailable)


@pytest.mark.parametrize("factor", [0.01, 30.0, 15_000.0])
def test_the_choice_does_not_depend_on_the_currency(factor: float) -> None:
    money = ("net_spend", "average_order_value", "next_net_spend")
    plain = columns(2)
    converted = {n: v * factor if n in money else v for n, v in plain.items()}
    figures = [
        ChoiceWindow(FollowedCustomers("2026-01-01", 90, own), 1).predicted(
            named_features(CHOICES), Shape(2, "full")
        )
        for own in (plain, converted)
    ]
    assert figures[0] is not None
    assert figures[1] is not None
    np.testing.assert_allclose(figures[0].losses, figures[1].losses, rtol=1e-6)
