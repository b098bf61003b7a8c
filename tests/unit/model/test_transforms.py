"""Array form and SQL form of every transform are one map, and its derivative is its derivative."""

from __future__ import annotations

from typing import get_args

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from warehouse_seg.model.exponent_text import exponent_text
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.transforms import LARGEST_MEASURE, TRANSFORMS, is_measured
from warehouse_seg.model.values import TransformName
from warehouse_seg.sql.rendering import render

Array = NDArray[np.float64]

NAMES: tuple[TransformName, ...] = get_args(TransformName)
LOWEST: dict[TransformName, float] = {"log": 5e-324, "log1p": -1 + 2**-53, "sqrt": 0.0}
"""The smallest number that the transform takes; the others take all."""

EXTREMES = [0.0, -0.0, 5e-324, 1e-300, 2**-53, 0.1, 1.0, 1e15, 1e16, 1e50, LARGEST_MEASURE]


def in_domain(name: TransformName, values: list[float]) -> list[float]:
    return [value for value in values if value >= LOWEST.get(name, -np.inf)]


def in_duckdb(database: duckdb.DuckDBPyConnection, expression: str, values: list[float]) -> Array:
    """An SQL expression over the column v, for every value."""
    listed = ", ".join(exponent_text(value) for value in values)
    query = f"select {expression} from (select unnest([{listed}]) as v)"
    return np.array([row[0] for row in database.execute(query).fetchall()], dtype=float)


def test_every_transform_has_both_forms() -> None:
    assert set(TRANSFORMS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_what_the_macro_writes(name: TransformName) -> None:
    assert render("seg_transformed", name, "v") == TRANSFORMS[name].sql.format(value="v")


@pytest.mark.both_duckdb
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, derandomize=True, deadline=None)
@given(data=st.data())
def test_the_values_are_equal(
    database: duckdb.DuckDBPyConnection, name: TransformName, data: st.DataObject
) -> None:
    """To the last bit, but for logarithms, whose last digit is each library's own."""
    numbers = st.floats(LOWEST.get(name, -LARGEST_MEASURE), LARGEST_MEASURE)
    drawn = data.draw(st.lists(numbers, min_size=1, max_size=50))
    values = in_domain(name, [*drawn, *EXTREMES, *(-value for value in EXTREMES)])
    expected = TRANSFORMS[name].array(np.array(values))
    actual = in_duckdb(database, TRANSFORMS[name].sql.format(value="v"), values)
    if name in {"identity", "sqrt"}:
        assert np.array_equal(actual, expected)
    else:
        np.testing.assert_array_max_ulp(actual, expected, maxulp=2)


@pytest.mark.parametrize("name", NAMES)
def test_order_is_kept(name: TransformName) -> None:
    values = np.array(sorted(in_domain(name, [*EXTREMES, *(-value for value in EXTREMES)])))
    assert np.all(np.diff(TRANSFORMS[name].array(values)) >= 0)


@pytest.mark.parametrize(
    ("name", "x"),
    [(name, x) for name in NAMES for x in in_domain(name, [-1e6, -3, -0.4, 0.5, 1, 17.25, 1e6])],
)
def test_the_derivative_is_the_slope(name: TransformName, x: float) -> None:
    transform, step = TRANSFORMS[name], 1e-5 * abs(x)
    low, high = transform.array(np.array([x - step, x + step]))
    assert transform.derivative(np.array([x]))[0] == pytest.approx((high - low) / (2 * step), 1e-8)


def test_the_slope_of_a_square_root_stays_finite_at_zero() -> None:
    """A count of zero was rounded as any other: its slope is taken at a quarter of the unit."""
    slopes = TRANSFORMS["sqrt"].derivative(np.array([0.0, 0.1, 0.25]))
    assert slopes.tolist() == [1.0, 1.0, 1.0]


def test_signed_logarithm_has_slope_one_at_zero() -> None:
    assert TRANSFORMS["signed_log1p"].derivative(np.array([0.0]))[0] == 1


@pytest.mark.parametrize(
    ("name", "takes", "refuses"),
    [("log", 5e-324, 0.0), ("log1p", -1 + 2**-53, -1.0), ("sqrt", 0.0, -5e-324)],
)
def test_the_edge_of_the_domain(name: TransformName, takes: float, refuses: float) -> None:
    assert TRANSFORMS[name].admits(takes)
    assert not TRANSFORMS[name].admits(refuses)
    with np.errstate(all="ignore"):
        inside, outside = TRANSFORMS[name].array(np.array([takes, refuses]))
    assert np.isfinite(inside)
    assert not np.isfinite(outside)


@pytest.mark.both_duckdb
def test_what_counts_as_measured_is_the_same(database: duckdb.DuckDBPyConnection) -> None:
    values = [np.nan, np.inf, -np.inf, 1.0000001e100, -1.0000001e100, 1e100, -1e100, 0.0, 5e-324]
    texts = ", ".join(f"'{value!r}'::double" for value in map(float, values))
    query = f"select coalesce({render('seg_is_measured', 'v')}, false) from (select unnest([{texts}, null]) as v)"
    actual = [row[0] for row in database.execute(query).fetchall()]
    assert actual == [*is_measured(np.array(values)).tolist(), False]
    assert actual == [False] * 5 + [True] * 4 + [False]


def test_infinity_is_no_measure_in_32_bits_either() -> None:
    assert is_measured(np.array([np.inf, 1.0], dtype=np.float32)).tolist() == [False, True]


FEATURES = [
    Feature(feature="v", median=7.0),
    Feature(feature="v", clip_low=-1.5, median=7.0),
    Feature(feature="v", clip_high=-1.5, median=7.0),
    Feature(feature="v", clip_low=-1.5, clip_high=2.0, median=7.0, center=-0.25, scale=0.1),
    Feature(feature="v", transform="log", clip_low=0.5, clip_high=2.0, center=1e-9),
    Feature(feature="v", transform="log1p", clip_low=-0.5, scale=1e-9),
    Feature(feature="v", transform="sqrt", clip_low=0.0, median=-3.0, center=3.0, scale=2.5),
    Feature(feature="v", transform="signed_log1p", clip_high=1e6, median=1e7, center=-1e3),
]


@pytest.mark.both_duckdb
@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: str(feature.transform))
def test_clips_are_the_same_in_both_forms(
    database: duckdb.DuckDBPyConnection, feature: Feature
) -> None:
    """What was not measured stays so: a clip is no measurement."""
    values = [-1e100, -1e6, -1.5, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 1e100]
    actual = in_duckdb(database, render("seg_standardized", feature.to_macro(), "v"), values)
    np.testing.assert_allclose(actual, feature.standardized(np.array(values)), rtol=1e-14)
    null = database.execute(
        f"select {render('seg_standardized', feature.to_macro(), 'v')} from (select null::double as v)"
    ).fetchall()[0][0]
    assert null is None
    assert np.isnan(feature.standardized(np.array([np.nan, 1e101, np.inf]))).all()
