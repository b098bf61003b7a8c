"""What a column becomes before a mixture sees it, and the columns that are refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError
from warehouse_seg.features.preparation import prepare, prepare_as, warnings_for
from warehouse_seg.features.rounding import resolution, rounding_variance
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.values import TransformName
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]

CUSTOMERS = 200


def normal(seed: int = 1, count: int = CUSTOMERS) -> Array:
    return np.random.default_rng(seed).normal(size=count)


def heavy(seed: int = 1) -> Array:
    """Positive, with a long tail to the right."""
    return np.exp(1.5 * normal(seed))


def prepared(values: Array, name: str = "measure", **choice: Any) -> Feature:
    return prepare({name: values}, [FeatureChoice(name=name, **choice)]).features[0]


# --------------------------------------------------------------------------------------------------- refusals


def refusal(columns: dict[str, Array], *names: str, **choice: Any) -> str:
    with pytest.raises(UsageError) as caught:
        prepare(columns, [FeatureChoice(name=name, **choice) for name in names])
    return str(caught.value)


def test_a_missing_column_names_the_nearest_and_all() -> None:
    message = refusal({"net_spend": normal(), "order_count": heavy()}, "net_spent")
    assert message == (
        "found no column net_spent among the features; did you mean 'net_spend'? "
        "(there are: net_spend, order_count). Correct `model.features`"
    )


@pytest.mark.parametrize(
    "values",
    [
        np.array(["many"] * CUSTOMERS),
        np.array([object()] * CUSTOMERS),
        np.full(CUSTOMERS, np.datetime64("2026-07-01")),
    ],
)
def test_a_column_that_is_no_number_is_refused(values: Any) -> None:
    message = refusal({"city": values}, "city")
    assert "feature city is not a number; a mixture takes numeric columns only" in message
    assert "Leave it out of `model.features`" in message


def test_too_few_measured_customers_are_refused() -> None:
    values = normal()
    values[: CUSTOMERS - 49] = [np.nan, np.inf, -1e101] * 50 + [np.nan]
    message = refusal({"measure": values}, "measure")
    assert message == (
        "feature measure is measured for 49 customers, needed at least 50 for 1 features. "
        "Fit on more customers, or with fewer features"
    )
    values[0] = 0.0
    assert prepared(values).feature == "measure"


def test_many_features_need_more_customers() -> None:
    columns = {f"f{number}": normal(number) for number in range(21)}
    message = refusal(columns, *columns)
    assert "is measured for 200 customers, needed at least 210 for 21 features" in message


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e9, -3.25])
def test_a_constant_column_is_refused(constant: float) -> None:
    message = refusal({"measure": np.full(CUSTOMERS, constant)}, "measure")
    assert message.startswith(f"feature measure is constant ({constant:g}) after identity")
    assert "it tells no customers apart. Leave it out of `model.features`" in message


def test_a_column_that_a_clip_makes_constant_is_refused() -> None:
    values = np.zeros(CUSTOMERS)
    values[0] = 5.0
    assert "or widen its clip" in refusal({"measure": values}, "measure", clip=(None, 0.9))


def test_a_logarithm_of_no_positive_value_is_refused() -> None:
    message = refusal({"measure": -heavy()}, "measure", transform="log")
    assert message.startswith("feature measure has no positive value, and `log` needs some.")
    assert "Choose another transform (signed_log1p, identity)" in message


@pytest.mark.parametrize("transform", ["log", "log1p", "sqrt"])
def test_a_clip_below_what_the_transform_takes_is_refused(transform: TransformName) -> None:
    """A quarter of the customers are above zero, and the upper clip is below."""
    values = np.concatenate([-heavy(1), -heavy(2), -heavy(3), heavy(4)])
    message = refusal({"measure": values}, "measure", transform=transform, clip=(None, 0.5))
    assert re.match(
        rf"feature measure: its upper clip \(-[0-9.]+\) lies below the lowest value that `{transform}` "
        r"leaves \([0-9.e-]+\)",
        message,
    )
    assert "widen `clip`" in message


# ------------------------------------------------------------------------------------ transforms and clips


@pytest.mark.parametrize(
    ("name", "transform"),
    [
        ("recency_days", "log"),
        ("order_count", "log"),
        ("average_order_value", "log"),
        ("tenure_days", "log"),
        ("net_spend", "log"),
        ("days_between_orders", "log1p"),
        ("category_count", "log1p"),
        ("category_entropy", "identity"),
        ("spend_wine", "log"),
        ("share_wine", "identity"),
    ],
)
def test_the_package_knows_its_own_features(name: str, transform: TransformName) -> None:
    """Whatever their values look like."""
    assert prepared(heavy(), name).transform == transform
    assert prepared(np.abs(normal()), name).transform == transform


@pytest.mark.parametrize(
    ("values", "transform"),
    [
        (normal(), "identity"),
        (heavy(), "log1p"),
        (np.concatenate([heavy(), [-1.0]]), "signed_log1p"),
        (-heavy(), "signed_log1p"),
    ],
)
def test_a_ready_made_column_is_taken_by_its_shape(values: Array, transform: TransformName) -> None:
    assert prepared(values).transform == transform


def test_a_chosen_transform_stands() -> None:
    assert prepared(heavy(), "recency_days", transform="sqrt").transform == "sqrt"


@pytest.mark.parametrize(
    ("transform", "low"),
    [("identity", None), ("signed_log1p", None), ("log1p", 0.0), ("sqrt", 0.0)],
)
def test_a_low_clip_only_where_the_transform_needs_one(
    transform: TransformName, low: float | None
) -> None:
    feature = prepared(heavy(), transform=transform)
    assert (feature.clip_low, feature.clip_high) == (low, None)


def test_a_logarithm_is_clipped_at_a_low_quantile_of_the_positive_values() -> None:
    values = np.concatenate([np.zeros(100), heavy()])
    feature = prepared(values, transform="log")
    assert feature.clip_low == pytest.approx(np.quantile(values[100:], 0.001))


@pytest.mark.parametrize("transform", ["identity", "log", "log1p", "sqrt", "signed_log1p"])
def test_clips_are_quantiles_of_the_measured_values(transform: TransformName) -> None:
    values = np.append(heavy(), [np.nan, np.inf])
    feature = prepared(values, transform=transform, clip=(0.05, 0.95))
    assert feature.clip_low == pytest.approx(np.quantile(heavy(), 0.05))
    assert feature.clip_high == pytest.approx(np.quantile(heavy(), 0.95))


def test_one_side_may_stay_open() -> None:
    feature = prepared(normal(), clip=(None, 0.9))
    assert feature.clip_low is None
    assert feature.clip_high == pytest.approx(np.quantile(normal(), 0.9))


# ------------------------------------------------------------------------------------ what a mixture is given


@pytest.mark.parametrize("name", ["recency_days", "net_spend", "spend_wine", "share_wine"])
def test_standardised_values_have_mean_zero_and_deviation_one(name: str) -> None:
    choices = [FeatureChoice(name=name), FeatureChoice(name="other")]
    z = prepare({name: heavy(), "other": normal(2)}, choices).z
    assert z.shape == (CUSTOMERS, 2)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-12)


def test_what_was_not_measured_stays_so_and_moves_no_center() -> None:
    values = heavy()
    with_gaps = np.append(values, [np.nan] * 50)
    choice = FeatureChoice(name="measure")
    complete = prepare({"measure": values}, [choice])
    gaps = prepare({"measure": with_gaps}, [choice])
    assert gaps.features == complete.features
    assert gaps.features[0].median == np.median(values)
    assert np.isnan(gaps.z[CUSTOMERS:]).all()
    assert not gaps.rounding_variance[CUSTOMERS:].any()
    assert "not measured for" in gaps.findings[0]
    assert not any("not measured" in finding for finding in complete.findings)


def test_quantiles_are_kept_in_raw_units() -> None:
    feature = prepared(heavy(), transform="log")
    assert list(feature.quantiles) == ["0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"]
    assert feature.quantiles["0.5"] == feature.median == np.median(heavy())


@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.float32, np.bool_])
def test_any_numeric_array_is_taken(kind: type[np.generic]) -> None:
    values: Any = np.round(np.abs(normal())).astype(kind)
    assert prepared(values) == prepared(values.astype(float))


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([1.0, 30.0, 400.0], 1.0),
        ([0.0, -3.0, 1e12], 1.0),
        ([0.5, 2.0], 0.5),
        ([19.99, 5.0, -0.01], 0.01),
        ([1_000_000.01, 19.99], 0.01),
        ([0.125, 1.0], 0.125),
        ([0.0001, 1.0], 0.0001),
        ([1 / 3, 1.0], 0.0),
        ([19.99, np.nan, np.inf], 19.99),
        ([30.0, 450.0, 599.7], 0.3),
        ([15_000.0, 150.0, 1_350.0], 150.0),
        ([np.nan], 0.0),
        ([0.0, 0.0], 0.0),
    ],
)
def test_the_unit_of_measurement_is_seen(values: list[float], unit: float) -> None:
    assert resolution("measure", {"measure": np.array(values)}) == unit


@pytest.mark.parametrize("factor", [0.01, 1.0, 30.0, 15_000.0])
def test_a_quotient_of_money_is_measured_in_the_unit_of_the_money(factor: float) -> None:
    spend = np.array([10.0, 19.99, 5.5]) * factor
    columns = {"average_order_value": spend / 3, "net_spend": spend}
    assert resolution("average_order_value", columns) == pytest.approx(0.01 * factor)
    assert resolution("average_order_value", {"average_order_value": spend / 7}) == 0


def test_rounding_variance_by_hand() -> None:
    """Whole days on a logarithmic scale: the slope at 4 is 1/4, so it is (1 / 4 / 2)^2 / 12; at a clip, the clip's."""
    feature = Feature(
        feature="days", transform="log", clip_low=1, clip_high=8, scale=2, resolution=1
    )
    variance = rounding_variance(feature, np.array([4.0, 0.0, 100.0]))
    np.testing.assert_allclose(variance, [1 / 64 / 12, 1 / 4 / 12, 1 / 256 / 12])


def test_exact_values_have_no_rounding_variance() -> None:
    values = normal()
    assert np.all(
        prepare({"measure": values}, [FeatureChoice(name="measure")]).rounding_variance == 0
    )


@pytest.mark.parametrize(("count", "warned"), [(499, True), (500, False)])
def test_few_customers_are_warned_of(count: int, warned: bool) -> None:
    fitted = prepare({"measure": normal(count=count)}, [FeatureChoice(name="measure")])
    lines = warnings_for(fitted)
    assert bool(lines) is warned
    assert all(line.text.startswith("499 customers are few for a mixture") for line in lines)


# ------------------------------------------------------------------------------------- as it was treated before


def two_columns(seed: int) -> dict[str, Array]:
    return {"average_order_value": heavy(seed).round(2), "measure": normal(seed + 1)}


def test_a_stored_treatment_applied_to_its_own_customers_gives_the_same() -> None:
    columns = two_columns(1)
    first = prepare(columns, [FeatureChoice(name=name) for name in columns])
    again = prepare_as(columns, first.features)
    assert again.features == first.features
    np.testing.assert_array_equal(again.z, first.z)
    np.testing.assert_array_equal(again.rounding_variance, first.rounding_variance)


def test_a_stored_treatment_moves_nothing_for_other_customers() -> None:
    """Twice the values are twice the values, not the same ones in other units."""
    columns = two_columns(1)
    features = prepare(columns, [FeatureChoice(name=name) for name in columns]).features
    doubled = {name: 2 * values for name, values in columns.items()}
    treated = prepare_as(doubled, features)
    assert [f.to_macro() for f in treated.features] == [f.to_macro() for f in features]
    for feature, z in zip(features, treated.z.T, strict=True):
        np.testing.assert_array_equal(z, feature.standardized(doubled[feature.feature]))
    for feature in treated.features:
        assert feature.quantiles["0.5"] == np.quantile(doubled[feature.feature], 0.5)


def test_a_stored_treatment_asks_for_its_columns() -> None:
    columns = two_columns(1)
    features = prepare(columns, [FeatureChoice(name=name) for name in columns]).features
    with pytest.raises(UsageError, match="found no column measure among the features"):
        prepare_as({"average_order_value": columns["average_order_value"]}, features)
