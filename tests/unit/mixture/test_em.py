"""EM from sufficient statistics: scikit-learn's algorithm on exact values, never falling on rounded ones."""

from __future__ import annotations

import math
import warnings
from typing import get_args

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from warehouse_seg.mixture import em
from warehouse_seg.mixture.completion import completed
from warehouse_seg.mixture.parameters import Parameters, parameter_count
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]

TYPES: tuple[CovarianceType, ...] = get_args(CovarianceType)
CUSTOMERS = 120


def overlapping(seed: int, size: int, count: int) -> tuple[Array, Parameters]:
    """Customers around `count` centres (n, D), and a rough start."""
    generator = np.random.default_rng(seed)
    centres = 2 * generator.normal(size=(count, size))
    labels = generator.integers(count, size=CUSTOMERS)
    z = centres[labels] + generator.normal(size=(CUSTOMERS, size)) * generator.uniform(0.3, 1, size)
    start = Parameters(
        weights=generator.dirichlet(np.full(count, 5.0)),
        means=centres + 0.5 * generator.normal(size=centres.shape),
        covariances=np.repeat(np.eye(size)[None], count, axis=0),
    )
    return z, start


@st.composite
def em_runs(draw: st.DrawFn) -> tuple[Array, Array, Parameters, CovarianceType]:
    """Customers, rounding variances above zero, a start and a covariance type."""
    size, count = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    z, start = overlapping(seed, size, count)
    rounding_variance = np.random.default_rng(seed + 1).uniform(
        1e-6, draw(st.floats(1e-5, 2.0)), z.shape
    )
    return z, rounding_variance, start, draw(st.sampled_from(TYPES))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(em_runs())
def test_the_objective_never_falls(
    em_run: tuple[Array, Array, Parameters, CovarianceType],
) -> None:
    z, rounding_variance, parameters, covariance_type = em_run
    statistics = em.sufficient_statistics(z, rounding_variance)
    objectives = []
    for _ in range(15):
        responsibilities, objective = em.expectation(statistics, parameters)
        objectives.append(objective)
        sums = completed(em.sums_of(statistics, responsibilities), parameters)
        parameters = em.maximization(sums, covariance_type, 0.0)
    rounding = 1e-12 * CUSTOMERS * np.abs(objectives).max()
    assert np.diff(objectives).min() >= -rounding


def test_a_regularization_added_afterwards_falls() -> None:
    """The partner, and why the product keeps it at 1e-6: from an optimum, a pass with 0.05 goes down."""
    z, start = overlapping(3, 2, 2)
    statistics = em.sufficient_statistics(z)
    optimum = em.fit_em(statistics, start, "full", tolerance=1e-12)
    responsibilities, _ = em.expectation(statistics, optimum.parameters)
    next_one = em.from_responsibilities(statistics, responsibilities, "full", 0.05)
    assert em.expectation(statistics, next_one)[1] < optimum.objective - 0.1


def scikit_learn_after(
    iterations: int, z: Array, start: Parameters, covariance_type: CovarianceType
) -> Parameters:
    precisions = np.linalg.inv(start.covariances)
    mixture = GaussianMixture(
        len(start.weights),
        covariance_type=covariance_type,
        tol=0,
        reg_covar=0,
        max_iter=iterations,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init={
            "full": precisions,
            "tied": precisions[0],
            "diag": np.einsum("kii->ki", precisions),
            "spherical": precisions[:, 0, 0],
        }[covariance_type],
    )
    with warnings.catch_warnings():
        # Stopped before it converged: on purpose.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(z)
    return Parameters(mixture.weights_, mixture.means_, square(mixture, z.shape[1]))


def square(mixture: GaussianMixture, size: int) -> Array:
    """scikit-learn's four layouts of covariances → (K, D, D)."""
    count = mixture.n_components
    covariances: Array = np.asarray(mixture.covariances_)
    if mixture.covariance_type == "full":
        return covariances
    if mixture.covariance_type == "tied":
        return np.repeat(covariances[None], count, axis=0)
    diagonals = np.broadcast_to(covariances.reshape(count, -1), (count, size))
    return diagonals[:, :, None] * np.eye(size)


@pytest.mark.parametrize("iterations", [1, 10])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_exact_values_are_fitted_as_scikit_learn_does(
    covariance_type: CovarianceType, iterations: int
) -> None:
    z, start = overlapping(7, 3, 3)
    statistics = em.sufficient_statistics(z)
    theirs = scikit_learn_after(iterations, z, start, covariance_type)
    ours = em.fit_em(
        statistics, start, covariance_type, tolerance=0, iterations=iterations
    ).parameters
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=0, atol=1e-9)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_responsibilities_and_objective_are_scikit_learns(covariance_type: CovarianceType) -> None:
    z, start = overlapping(11, 4, 3)
    statistics = em.sufficient_statistics(z)
    fit = em.fit_em(statistics, start, covariance_type, iterations=5)
    mixture = GaussianMixture(3, covariance_type="full")
    mixture.weights_, mixture.means_ = fit.parameters.weights, fit.parameters.means
    mixture.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(fit.parameters.covariances))
    responsibilities, objective = em.expectation(statistics, fit.parameters)
    np.testing.assert_allclose(responsibilities.T, mixture.predict_proba(z), rtol=0, atol=1e-9)
    assert objective == pytest.approx(mixture.score_samples(z).sum(), rel=1e-9)
    assert fit.objective == pytest.approx(objective, rel=1e-12)


def test_rounding_by_hand() -> None:
    """Four customers at 0, 0, 1, 1, each rounded to whole units: variance 1/4 of the values + 1/12 of the rounding."""
    z, rounding_variance = np.array([[0.0], [0.0], [1.0], [1.0]]), np.full((4, 1), 1 / 12)
    statistics = em.sufficient_statistics(z, rounding_variance)
    np.testing.assert_allclose(statistics.rows[2], [1, 1, 1 + 1 / 12])
    single = em.maximization(statistics.rows.sum(axis=0, keepdims=True), "full", 0.0)
    assert single.means.item() == pytest.approx(0.5)
    assert single.covariances.item() == pytest.approx(1 / 3)
    _, objective = em.expectation(statistics, single)
    # E ln N = -1/2 (ln 2 pi S + (z - m)^2 / S + v / S), with S = 1/3: the quadratic parts sum to one.
    assert objective == pytest.approx(4 * -0.5 * (math.log(2 * math.pi / 3) + 1))


def test_rounding_in_a_responsibility_by_hand() -> None:
    """Halfway between a narrow and a wide segment: what is rounded speaks less for the narrow one."""
    parameters = Parameters(
        np.array([0.5, 0.5]), np.array([[-1.0], [1.0]]), np.array([[[0.25]], [[1.0]]])
    )
    exact, rounded = (
        em.sufficient_statistics(np.zeros((1, 1))),
        em.sufficient_statistics(np.zeros((1, 1)), np.ones((1, 1))),
    )

    def narrow(rounding_variance: float) -> float:
        densities = [
            math.exp(-0.5 * (1 + rounding_variance) / s) / math.sqrt(s) for s in (0.25, 1.0)
        ]
        return densities[0] / sum(densities)

    assert em.expectation(exact, parameters)[0][0, 0] == pytest.approx(narrow(0), rel=1e-14)
    assert em.expectation(rounded, parameters)[0][0, 0] == pytest.approx(narrow(1), rel=1e-14)
    assert narrow(1) < narrow(0)


def test_equal_customers_do_not_collapse_where_rounding_is_known() -> None:
    """Half of the customers at one value: the variance goes to the rounding's own, and without that to zero."""
    z = np.concatenate([np.zeros((60, 1)), np.random.default_rng(1).normal(3, 1, (60, 1))])
    start = Parameters(np.array([0.5, 0.5]), np.array([[0.0], [3.0]]), np.array([[[0.5]], [[1.0]]]))
    with pytest.raises(np.linalg.LinAlgError):
        em.fit_em(em.sufficient_statistics(z), start, "full", tolerance=0, iterations=500)
    known = em.fit_em(em.sufficient_statistics(z, np.full_like(z, 0.01)), start, "full")
    assert known.converged
    assert 0.01 <= known.parameters.smallest_eigenvalue < 0.02


def test_known_labels_give_known_parameters() -> None:
    z, _ = overlapping(5, 3, 1)
    labels = (np.arange(CUSTOMERS) < 30).astype(float)
    responsibilities = np.stack([labels, 1 - labels])
    parameters = em.from_responsibilities(em.sufficient_statistics(z), responsibilities, "full")
    np.testing.assert_allclose(parameters.weights, [0.25, 0.75])
    np.testing.assert_allclose(parameters.means[0], z[:30].mean(axis=0))
    np.testing.assert_allclose(parameters.covariances[1], np.cov(z[30:].T, bias=True), atol=1e-12)


def test_parameters_are_found_again() -> None:
    """Data from known parameters must give the parameters back."""
    generator = np.random.default_rng(2)
    truth = [(-2.0, 0.5), (2.0, 1.0)]
    z = np.concatenate([generator.normal(mean, scale, (4000, 1)) for mean, scale in truth])
    start = Parameters(
        np.array([0.5, 0.5]), np.array([[-0.5], [0.5]]), np.array([[[1.0]], [[1.0]]])
    )
    fit = em.fit_em(em.sufficient_statistics(z), start, "full", tolerance=1e-10)
    assert fit.converged
    np.testing.assert_allclose(fit.parameters.means[:, 0], [-2, 2], atol=0.1)
    np.testing.assert_allclose(fit.parameters.covariances[:, 0, 0], [0.25, 1], rtol=0.1)
    np.testing.assert_allclose(fit.parameters.weights, 0.5, atol=0.02)


def test_stopping_early_is_said() -> None:
    z, start = overlapping(9, 3, 3)
    fit = em.fit_em(em.sufficient_statistics(z), start, "full", tolerance=0, iterations=2)
    assert (fit.iterations, fit.converged) == (2, False)


@pytest.mark.parametrize(
    ("covariance_type", "count"),
    [("full", 2 + 9 + 18), ("tied", 17), ("diag", 20), ("spherical", 14)],
)
def test_free_parameters(covariance_type: CovarianceType, count: int) -> None:
    """Three segments over three features, as scikit-learn counts them for BIC."""
    assert parameter_count(3, 3, covariance_type) == count
    mixture = GaussianMixture(3, covariance_type=covariance_type)
    mixture.means_ = np.zeros((3, 3))
    assert mixture._n_parameters() == count
