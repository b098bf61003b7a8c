"""Customers that belong to two segments alike, also a million units out."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.parity.parity_assertions import assert_as_exact_as_scikit_learn
from tests.parity.random_models import Case, mixture_of
from tests.scored import score
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.sklearn_mixture import from_sklearn
from warehouse_seg.model.values import CovarianceType

pytestmark = pytest.mark.both_duckdb

Array = NDArray[np.float64]

BETWEEN_MIRRORED_MEANS = {"a": np.zeros(5), "b": np.array([0.0, 1.0, -50.0, 1e6, -1e6])}


def model_of(covariance_type: CovarianceType, means: Array, covariances: Array) -> Case:
    """Equal weights over two features; customers on the line between two mirrored means."""
    weights = np.full(len(means), 1 / len(means))
    mixture = mixture_of(covariance_type, weights, means, covariances)
    features = tuple(Feature(feature=name) for name in BETWEEN_MIRRORED_MEANS)
    return Case(mixture, from_sklearn(mixture, features), BETWEEN_MIRRORED_MEANS)


MIRRORED = np.array([[1.0, 0.3], [-1.0, 0.3]])
TIES = {
    "diag": model_of("diag", MIRRORED, np.array([[1.0, 1e-4], [1.0, 1e-4]])),
    "spherical": model_of("spherical", MIRRORED, np.array([0.01, 0.01])),
    "tied": model_of("tied", MIRRORED, np.diag([1.0, 1e-4])),
    "full": model_of("full", MIRRORED, np.array([np.diag([1.0, 1e-4])] * 2)),
}


@pytest.mark.parametrize("covariance_type", TIES)
def test_mirrored_segments_get_exactly_half(
    database: duckdb.DuckDBPyConnection, covariance_type: str
) -> None:
    case = TIES[covariance_type]
    scores = score(database, case.model, case.columns)
    assert np.all(scores.memberships == 0.5)
    assert_as_exact_as_scikit_learn(scores, case)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_equal_segments_get_exactly_the_same(
    database: duckdb.DuckDBPyConnection, count: int
) -> None:
    """Segments that are copies of one another, as a fit on too many segments leaves them."""
    covariances = np.array([[[1.0, 0.6], [0.6, 0.5]]] * count)
    case = model_of("full", np.full((count, 2), 0.7), covariances)
    scores = score(database, case.model, case.columns)
    assert np.all(scores.memberships == scores.memberships[:, :1])
    assert np.allclose(scores.memberships, 1 / count, rtol=0, atol=1e-16)


def test_a_tie_across_correlated_features(database: duckdb.DuckDBPyConnection) -> None:
    """Where no symmetry cancels the rounding: customers equally far from both means in Mahalanobis' distance."""
    covariance = np.array([[1.0, 0.999], [0.999, 1.0]])
    means = np.array([[1.0, 0.4], [-0.3, 0.9]])
    along = np.linalg.solve(covariance, means[0] - means[1])
    direction = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    steps = np.array([0.0, 1.0, 50.0, 1e6, -1e6])
    customers = means.mean(axis=0) + steps[:, None] * direction
    case = model_of("tied", means, covariance)
    case = Case(case.mixture, case.model, {"a": customers[:, 0], "b": customers[:, 1]})
    assert_as_exact_as_scikit_learn(score(database, case.model, case.columns), case)


def test_a_slightly_heavier_twin_is_no_tie(database: duckdb.DuckDBPyConnection) -> None:
    """The partner of the tests above: what is not symmetric must not look so."""
    case = TIES["diag"]
    first, second = case.model.components
    heavier = second.model_copy(update={"log_norm": second.log_norm + 1e-6})
    model: SegmentModel = case.model.model_copy(update={"components": (first, heavier)})
    memberships = score(database, model, case.columns).memberships
    near = np.abs(case.columns["b"]) <= 50
    assert np.all(memberships[near, 0] < memberships[near, 1])
