"""One pass of sums over all customers against the same customers in memory, and against scikit-learn."""

from __future__ import annotations

from itertools import pairwise

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture

from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.features.preparation import prepare_as
from warehouse_seg.mixture import em
from warehouse_seg.mixture.completion import completed
from warehouse_seg.mixture.parameters import Parameters, parameters_of
from warehouse_seg.mixture.population_em import Population, fit_to_population, with_parameters
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.sklearn_mixture import from_sklearn
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

pytestmark = pytest.mark.both_duckdb

Array = NDArray[np.float64]

TYPES: tuple[CovarianceType, ...] = ("full", "tied", "diag", "spherical")
CUSTOMERS = 3_000
ALL = "select * from everybody"


def shop(seed: int, share_missing: float) -> dict[str, Array]:
    """Whole days, whole orders, cents and an exact score, some of them unknown, and weights."""
    generator = np.random.default_rng(seed)
    kind = generator.integers(3, size=CUSTOMERS)
    columns = {
        "recency_days": np.floor(generator.exponential(30 + 60 * kind)) + 1,
        "order_count": 1.0 + generator.poisson(4 - 1.5 * kind),
        "spend": np.round(generator.lognormal(3 + 0.5 * kind, 0.5), 2),
        "score": generator.normal(kind, 0.5),
    }
    # A price that many paid.
    columns["spend"][generator.random(CUSTOMERS) < 0.05] = 11.77
    for values in columns.values():
        values[generator.random(CUSTOMERS) < share_missing] = np.nan
    return columns | {"copies": generator.integers(0, 4, CUSTOMERS).astype(float)}


FEATURES = (
    Feature(feature="recency_days", transform="log", clip_low=1, center=4, scale=1.1),
    Feature(feature="order_count", transform="log", clip_low=1, center=1, scale=0.6),
    Feature(feature="spend", transform="log1p", clip_low=0, center=3.5, scale=0.7),
    Feature(feature="score", center=1, scale=1),
)


def some_model(covariance_type: CovarianceType, features: tuple[Feature, ...]) -> SegmentModel:
    size = len(features)
    correlated = np.full((size, size), 0.2) + np.diag(np.linspace(0.5, 0.9, size))
    square = {"diag": np.diag(np.linspace(0.5, 0.9, size)), "spherical": 0.7 * np.eye(size)}
    covariance = square.get(covariance_type, correlated)
    means = [np.linspace(-0.6, 0.2, size), np.linspace(0.7, -0.4, size)]
    return SegmentModel(
        covariance_type=covariance_type,
        features=features,
        components=tuple(
            Component.from_covariance(f"s{k + 1}", weight, means[k], covariance)
            for k, weight in enumerate((0.55, 0.45))
        ),
    )


def population_of(
    database: duckdb.DuckDBPyConnection,
    model: SegmentModel,
    columns: dict[str, Array],
    weight: str | None = None,
) -> Population:
    frame = pd.DataFrame(columns)
    frame.insert(0, "customer_id", range(len(frame)))
    frame.insert(1, "as_of_date", pd.Timestamp("2026-07-01"))
    database.register("everybody", frame)
    warehouse = Warehouse(DuckDB(database))
    return Population(
        warehouse, model, ALL, missing_patterns(warehouse, model.features, ALL, 16), weight
    )


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    share_missing=st.sampled_from([0.0, 0.15, 0.5]),
    covariance_type=st.sampled_from(TYPES),
    weighted=st.booleans(),
)
def test_a_pass_is_the_one_in_memory(
    database: duckdb.DuckDBPyConnection,
    seed: int,
    share_missing: float,
    covariance_type: CovarianceType,
    weighted: bool,
) -> None:
    """Rounded values with point masses, gaps and weights: the same objective and the same next parameters."""
    columns = shop(seed, share_missing)
    weight = "copies" if weighted else None
    prepared = prepare_as(columns, FEATURES, weight)
    assert any(feature.point_masses for feature in prepared.features)
    model = some_model(covariance_type, prepared.features)
    population = population_of(database, model, columns, weight)
    parameters = parameters_of(model)
    sums, objective = population.em_step(parameters)
    statistics = em.statistics_of(prepared)
    responsibilities, expected = em.expectation(statistics, parameters)
    assert objective / population.customers == pytest.approx(expected / statistics.total, rel=1e-11)
    ours = em.maximization(sums, covariance_type, 0.0)
    in_memory = completed(em.sums_of(statistics, responsibilities), parameters)
    theirs = em.maximization(in_memory, covariance_type, 0.0)
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=0, atol=1e-10)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("regularization", [0.0, 1e-3])
def test_a_pass_is_scikit_learns(
    database: duckdb.DuckDBPyConnection, covariance_type: CovarianceType, regularization: float
) -> None:
    """Exact values: one iteration from the same start, to 1e-9."""
    columns = {name: shop(1, 0.0)[name] for name in ("recency_days", "spend", "score")}
    features = tuple(feature for feature in FEATURES if feature.feature in columns)
    z = SegmentModel.standardized(some_model("full", features), columns)
    mixture = GaussianMixture(
        3, covariance_type=covariance_type, reg_covar=regularization, random_state=1
    )
    mixture._initialize_parameters(z, np.random.RandomState(1))
    model = from_sklearn(mixture, features)
    population = population_of(database, model, columns)
    sums, objective = population.em_step(parameters_of(model))
    ours = em.maximization(sums, covariance_type, regularization)
    mean, log_responsibilities = mixture._e_step(z)
    mixture._m_step(z, log_responsibilities)
    assert objective / CUSTOMERS == pytest.approx(mean, rel=1e-12)
    np.testing.assert_allclose(ours.weights, mixture.weights_, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.means, mixture.means_, rtol=0, atol=1e-9)
    next_model = from_sklearn(mixture, features)
    np.testing.assert_allclose(
        ours.covariances, parameters_of(next_model).covariances, rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_the_objective_never_falls(
    database: duckdb.DuckDBPyConnection, covariance_type: CovarianceType, share_missing: float
) -> None:
    columns = shop(2, share_missing)
    model = some_model(covariance_type, prepare_as(columns, FEATURES).features)
    population = population_of(database, model, columns)
    objectives: list[float] = []
    parameters = parameters_of(model)
    for _ in range(20):
        sums, objective = population.em_step(parameters)
        objectives.append(objective / CUSTOMERS)
        parameters = em.maximization(sums, covariance_type, 0.0)
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(objectives))
    assert objectives[-1] > objectives[0] + 0.01


def test_refining_arrives_and_says_every_pass(database: duckdb.DuckDBPyConnection) -> None:
    columns = shop(3, 0.1)
    model = some_model("full", prepare_as(columns, FEATURES).features)
    population = population_of(database, model, columns)
    lines: list[str] = []
    refined = fit_to_population(
        population, tolerance=1e-4, emit=lambda event: lines.append(event.text)
    )
    assert refined.converged
    assert len(lines) == refined.iterations + 1
    assert lines[-1].endswith(f"{refined.objective:.6f} nats per customer")
    again = fit_to_population(
        Population(population.warehouse, refined.model, ALL, population.patterns), tolerance=1e-4
    )
    assert again.iterations == 1
    stopped = fit_to_population(population, iterations=2, tolerance=0)
    assert (stopped.iterations, stopped.converged) == (2, False)


@pytest.mark.parametrize("weight", [None, "copies"])
def test_the_log_density_of_everybody(
    database: duckdb.DuckDBPyConnection, weight: str | None
) -> None:
    columns = shop(4, 0.2)
    model = some_model("full", FEATURES)
    log_density = logsumexp(model.log_joint(columns), axis=1)
    expected = np.average(log_density, weights=columns["copies"] if weight else None)
    actual = population_of(database, model, columns, weight).log_density(model)
    assert actual == pytest.approx(expected, rel=1e-12)


def test_far_sums_lose_no_digits_that_count(database: duckdb.DuckDBPyConnection) -> None:
    """A narrow segment far from the centre: its spread still comes out of the sums."""
    generator = np.random.default_rng(5)
    columns = {
        "score": np.concatenate([generator.normal(0, 1, 1_500), generator.normal(9, 0.03, 1_500)])
    }
    features = (Feature(feature="score"),)
    start = Parameters(
        np.array([0.5, 0.5]), np.array([[0.0], [9.0]]), np.array([[[1.0]], [[0.01]]])
    )
    model = with_parameters(some_model("full", features), start)
    actual = parameters_of(fit_to_population(population_of(database, model, columns)).model)
    assert actual.covariances[1, 0, 0] == pytest.approx(columns["score"][1_500:].var(), rel=1e-9)
