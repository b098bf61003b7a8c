"""EM where features are missing: the Gaussian of what was measured, and sums completed by what is to be expected."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import candidate_of
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.search import search
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.settings import Settings, settings_from

Array = NDArray[np.float64]

CUSTOMERS = 150
TYPES: tuple[CovarianceType, ...] = ("full", "tied", "diag", "spherical")


def parameters_of(generator: np.random.Generator, count: int, size: int) -> Parameters:
    roots = generator.normal(size=(count, size, size))
    covariances = roots @ np.swapaxes(roots, 1, 2) / size + 0.2 * np.eye(size)
    return Parameters(
        generator.dirichlet(np.full(count, 4.0)), generator.normal(0, 2, (count, size)), covariances
    )


def with_gaps(generator: np.random.Generator, z: Array, share: float) -> Array:
    return np.where(generator.random(z.shape) < share, np.nan, z)


@st.composite
def customers(draw: st.DrawFn) -> tuple[Array, Array, Array | None, Parameters]:
    """Customers with gaps, rounding variances, weights or none, and parameters to start from."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, count = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    z = with_gaps(generator, generator.normal(0, 2, (CUSTOMERS, size)), draw(st.floats(0.05, 0.7)))
    rounding_variance = generator.uniform(0.0, draw(st.floats(0.0, 0.5)), z.shape)
    weights = generator.uniform(0.1, 5, CUSTOMERS) if draw(st.booleans()) else None
    return z, rounding_variance, weights, parameters_of(generator, count, size)


@settings(max_examples=30)
@given(customers())
def test_a_customer_is_judged_by_what_was_measured(
    given_customers: tuple[Array, Array, Array | None, Parameters],
) -> None:
    """As SciPy says of the measured features alone, to 1e-10."""
    z, _, _, parameters = given_customers
    joint = em.log_joint(em.sufficient_statistics(z), parameters)
    for k, weight in enumerate(parameters.weights):
        for row, actual in zip(z, joint[k], strict=True):
            places = np.flatnonzero(~np.isnan(row))
            expected = np.log(weight)
            if len(places):
                covariance = parameters.covariances[k][np.ix_(places, places)]
                mean = parameters.means[k][places]
                expected += multivariate_normal(mean, covariance).logpdf(row[places])
            assert actual == pytest.approx(expected, rel=1e-10, abs=1e-10)


@settings(max_examples=30)
@given(customers(), st.sampled_from(TYPES))
def test_the_objective_never_falls(
    given_customers: tuple[Array, Array, Array | None, Parameters],
    covariance_type: CovarianceType,
) -> None:
    z, rounding_variance, weights, parameters = given_customers
    statistics = em.sufficient_statistics(z, rounding_variance + 1e-3, weights)
    objectives = [
        em.fit_em(
            statistics, parameters, covariance_type, tolerance=0, iterations=iterations
        ).objective
        for iterations in range(1, 8)
    ]
    rounding = 1e-11 * CUSTOMERS * max(1.0, np.abs(objectives).max())
    assert all(later >= earlier - rounding for earlier, later in pairwise(objectives))


def test_filling_in_the_mean_falls() -> None:
    """The partner: with the gaps filled by the mean before each M-step, a pass from the optimum goes down."""
    z = with_gaps(np.random.default_rng(5), planted(600)[0], 0.4)
    statistics = em.sufficient_statistics(z)
    start = Parameters(
        np.full(2, 0.5), np.array([[0.0, 0.0], [2.0, 2.0]]), np.stack([np.eye(2)] * 2)
    )
    best = em.fit_em(statistics, start, "full", tolerance=1e-10)
    responsibilities, _ = em.expectation(statistics, best.parameters)
    filled = em.sufficient_statistics(np.where(np.isnan(z), np.nanmean(z, axis=0), z))
    proposed = em.from_responsibilities(filled, responsibilities, "full")
    assert em.expectation(statistics, proposed)[1] < best.objective - 1


def planted(count: int) -> tuple[Array, NDArray[np.intp]]:
    """Two types around (0, 0) and (2, 2), correlated."""
    generator = np.random.default_rng(11)
    types = generator.integers(2, size=count)
    covariance = np.array([[0.3, 0.2], [0.2, 0.3]])
    z = generator.multivariate_normal(np.zeros(2), covariance, count)
    return z + 2.0 * types[:, None], types


def test_the_truth_is_found_where_complete_customers_alone_mislead() -> None:
    """The second feature is missing the more often the lower the first one is: complete customers are not like all."""
    z, _ = planted(20_000)
    generator = np.random.default_rng(3)
    lost = generator.random(len(z)) < 1 / (1 + np.exp(3 * (z[:, 0] - 1)))
    gaps = z.copy()
    gaps[lost, 1] = np.nan
    start = Parameters(
        np.full(2, 0.5), np.array([[-0.5, 0.5], [2.5, 1.5]]), np.stack([np.eye(2)] * 2)
    )
    actual = em.fit_em(em.sufficient_statistics(gaps), start, "full", tolerance=1e-9).parameters
    np.testing.assert_allclose(actual.means, [[0, 0], [2, 2]], atol=0.08)
    np.testing.assert_allclose(actual.covariances, [[[0.3, 0.2], [0.2, 0.3]]] * 2, atol=0.06)
    complete = em.fit_em(
        em.sufficient_statistics(gaps[~lost]), start, "full", tolerance=1e-9
    ).parameters
    assert abs(complete.weights.min() - 0.5) > 0.1
    assert abs(actual.weights.min() - 0.5) < 0.03


@settings(max_examples=30)
@given(customers(), st.sampled_from(TYPES))
def test_a_weight_is_so_many_customers(
    given_customers: tuple[Array, Array, Array | None, Parameters],
    covariance_type: CovarianceType,
) -> None:
    """Whole weights are repeated rows; only their proportions matter."""
    z, rounding_variance, _, parameters = given_customers
    times = np.random.default_rng(1).integers(1, 4, CUSTOMERS).astype(float)
    repeated = em.sufficient_statistics(
        np.repeat(z, times.astype(int), axis=0),
        np.repeat(rounding_variance + 1e-3, times.astype(int), axis=0),
    )
    weighted = em.sufficient_statistics(z, rounding_variance + 1e-3, 17.0 * times)
    once = em.fit_em(weighted, parameters, covariance_type, tolerance=0, iterations=3)
    all_of_them = em.fit_em(repeated, parameters, covariance_type, tolerance=0, iterations=3)
    for name in ("weights", "means", "covariances"):
        actual, expected = (getattr(fit.parameters, name) for fit in (once, all_of_them))
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)
    assert once.objective / weighted.total == pytest.approx(
        all_of_them.objective / repeated.total, rel=1e-9
    )


def test_a_search_finds_types_in_spite_of_gaps() -> None:
    z, types = planted(3_000)
    gaps = with_gaps(np.random.default_rng(2), z, 0.2)
    statistics = em.sufficient_statistics(gaps)
    best = search(statistics, Shape(2, "full"), seed=1).best.parameters
    order = np.argsort(best.means[:, 0])
    np.testing.assert_allclose(best.means[order], [[0, 0], [2, 2]], atol=0.15)
    labels = em.log_joint(statistics, best).argmax(axis=0)
    known = ~np.isnan(gaps).all(axis=1)
    assert (order[types] == labels)[known].mean() > 0.9


def model_settings() -> Settings:
    return settings_from({"transactions": "lines"})


@pytest.mark.parametrize(("measured", "refused"), [(4, True), (60, False)])
def test_a_segment_without_measurements_is_refused(measured: int, refused: bool) -> None:
    """Of one type the second feature is known for hardly anybody: its mean would be a guess."""
    generator = np.random.default_rng(4)
    z = np.concatenate([generator.normal(0, 1, (400, 2)), generator.normal(8, 1, (300, 2))])
    z[400 + measured :, 1] = np.nan
    statistics = em.sufficient_statistics(z)
    actual = search(statistics, Shape(2, "full"), seed=1)
    reason = candidate_of(Shape(2, "full"), actual, statistics, model_settings().model).reason
    assert (reason or "").startswith("a segment in which feature 2 was measured for") is refused


def test_the_expected_value_stands_in_for_other_methods() -> None:
    z = np.random.default_rng(6).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 4_000)
    gaps = z.copy()
    gaps[::2, 1] = np.nan
    filled = em.sufficient_statistics(gaps).z
    np.testing.assert_array_equal(filled[1::2], z[1::2])
    np.testing.assert_allclose(filled[::2, 1], 0.9 * z[::2, 0], atol=0.1)
