"""Customers that lack features: SQL against SciPy's Gaussians of what was measured, over random models and patterns."""

from __future__ import annotations

from itertools import combinations

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from scipy.stats import chi2

from tests.parity.marginals import marginal_log_joint
from tests.scored import score
from warehouse_seg.errors import UsageError
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

pytestmark = pytest.mark.both_duckdb

Array = NDArray[np.float64]

LARGEST = 2**5


@st.composite
def models_with_gaps(draw: st.DrawFn) -> tuple[SegmentModel, dict[str, Array]]:
    """A model of 1 to 5 features and 1 to 4 segments, and customers with any of its features missing."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, count = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    features = tuple(
        Feature(feature=f"feature {f}", center=generator.normal(), scale=generator.uniform(0.2, 3))
        for f in range(size)
    )
    roots = generator.normal(size=(count, size, size))
    covariances = roots @ np.swapaxes(roots, 1, 2) / size + 0.05 * np.eye(size)
    weights = generator.dirichlet(np.full(count, 4.0))
    components = tuple(
        Component.from_covariance(
            f"s{k + 1}", float(weights[k]), generator.normal(0, 2, size), covariances[k]
        )
        for k in range(count)
    )
    z = generator.normal(0, 3, (20, size))
    z[generator.random(z.shape) < draw(st.floats(0.1, 0.9))] = np.nan
    columns = {f.feature: f.center + f.scale * z[:, i] for i, f in enumerate(features)}
    return SegmentModel(covariance_type="full", features=features, components=components), columns


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(models_with_gaps())
def test_memberships_rest_on_what_was_measured(
    database: duckdb.DuckDBPyConnection, case: tuple[SegmentModel, dict[str, Array]]
) -> None:
    model, columns = case
    scores = score(database, model, columns)
    joint = marginal_log_joint(model, columns)
    np.testing.assert_allclose(scores.memberships, softmax(joint, axis=1), rtol=0, atol=1e-10)
    np.testing.assert_allclose(scores.log_density, logsumexp(joint, axis=1), rtol=1e-10, atol=1e-10)
    named = [
        ", ".join(name for name in columns if np.isnan(columns[name][row])) for row in range(20)
    ]
    assert scores.missing_features == named
    np.testing.assert_allclose(model.log_joint(columns), joint, rtol=1e-10, atol=1e-10)


def two_segments(features: tuple[Feature, ...]) -> SegmentModel:
    size = len(features)
    return SegmentModel(
        covariance_type="full",
        features=features,
        components=(
            Component.from_covariance("s1", 0.6, np.zeros(size), np.eye(size) + 0.5),
            Component.from_covariance("s2", 0.4, np.full(size, 1.5), np.eye(size)),
        ),
        outlier_log_density=-9.0,
    )


ABC = two_segments(tuple(Feature(feature=name) for name in "abc"))


def test_knowing_less_makes_less_sure(database: duckdb.DuckDBPyConnection) -> None:
    """A customer on a segment's mean: the fewer features are known, the nearer the memberships are to the weights."""
    columns = {"a": [1.5] * 4, "b": [1.5] * 3 + [None], "c": [1.5, None, None, None]}
    memberships = score(database, ABC, columns).memberships[:, 1]
    assert memberships[0] > memberships[1] == memberships[2] > memberships[3] > 0.4


def test_an_outlier_is_far_in_what_was_measured(database: duckdb.DuckDBPyConnection) -> None:
    """Beyond the 99 % of chi-square from every segment; a low log density of fewer features says nothing."""
    limit = float(chi2.ppf(0.99, 2))
    distance = np.sqrt(np.array([0.97, 1.03]) * limit)
    columns = {"a": [None, None, None], "b": [*(1.5 + distance), None], "c": [1.5, 1.5, None]}
    model = two_segments(ABC.features).model_copy(
        update={
            "components": (
                Component.from_covariance("s1", 0.5, np.zeros(3), 1e-2 * np.eye(3)),
                Component.from_covariance("s2", 0.5, np.full(3, 1.5), np.eye(3)),
            )
        }
    )
    score(database, model, columns)
    patterns = missing_patterns(
        Warehouse(DuckDB(database)), model.features, "select * from customers", LARGEST
    )
    query = f"select is_outlier from ({model.score_sql('customers', patterns=patterns)}) order by customer_id"
    assert [row[0] for row in database.execute(query).fetchall()] == [False, True, False]


def test_a_ratio_is_missing_without_any_part(database: duckdb.DuckDBPyConnection) -> None:
    ratio = Feature(feature="a", reference="whole", floor=0.01, transform="log", clip_low=1e-3)
    model = two_segments((ratio, Feature(feature="b")))
    columns = {
        "a": np.array([0.2, np.nan, 0.2, 0.0]),
        "b": np.array([1.0, 1.0, 1.0, 1.0]),
        "whole": np.array([0.4, 0.4, np.nan, 0.5]),
    }
    scores = score(database, model, columns)
    assert scores.missing_features == ["", "a", "a", ""]
    joint = marginal_log_joint(model, columns)
    np.testing.assert_allclose(scores.memberships, softmax(joint, axis=1), rtol=0, atol=1e-12)
    z = model.standardized(columns)[:, 0]
    np.testing.assert_allclose(z[[0, 3]], np.log([0.5, 0.02]), rtol=1e-14)


def test_too_many_patterns_are_refused_with_the_way_out(
    database: duckdb.DuckDBPyConnection,
) -> None:
    subsets = [set(s) for n in (1, 2, 3) for s in combinations("abc", n)]
    columns = {name: [None if name in s else 1.0 for s in subsets] for name in "abc"}
    score(database, ABC, columns)
    allowed = missing_patterns(
        Warehouse(DuckDB(database)), ABC.features, "select * from customers", 7
    )
    assert {frozenset(names) for names in allowed} == {frozenset(s) for s in subsets}
    with pytest.raises(
        UsageError, match=r"more than 6 combinations, most often .*missing_patterns"
    ):
        missing_patterns(Warehouse(DuckDB(database)), ABC.features, "select * from customers", 6)


def test_the_factor_of_a_part_is_its_inverse() -> None:
    """By hand: of [[4, 2], [2, 3]] the first alone has the inverse 1/4, the second 1/3."""
    covariance = [["4e0", "2e0"], ["2e0", "3e0"]]

    def factor(places: list[int]) -> list[list[float]]:
        rows: list[list[str]] = []
        render("seg_invert_factor", covariance, places, rows)
        return [[float(value) for value in row] for row in rows]

    assert factor([1]) == [[0.5]]
    np.testing.assert_allclose(factor([2]), [[1 / np.sqrt(3)]], rtol=1e-15)
    both = np.array(factor([1, 2]))
    np.testing.assert_allclose(both @ both.T, np.linalg.inv([[4, 2], [2, 3]]), rtol=1e-14)
