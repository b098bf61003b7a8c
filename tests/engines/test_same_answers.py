"""The dbt package gives the same features, exactly, and the same memberships, to 1e-9, as on DuckDB.

On a real Postgres and a real Spark; on the demo shop and on all of Complete Journey.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tests.engines.conftest import Twins
from tests.engines.shops import TABLES, Shop
from warehouse_seg.commands.models import stored_model
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.mixture import em
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.mixture.population_em import Population
from warehouse_seg.model.segment_model import SegmentModel

EXACT = 0.0
CLOSE = 1e-9

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def tables(twins: Twins) -> tuple[Tables, Tables]:
    """On DuckDB, on the other engine."""
    return twins.duckdb.tables(TABLES), twins.other.tables(TABLES)


@pytest.mark.parametrize(
    "name", ["seg_customer_rfm", "seg_customer_category_spend", "seg_customer_features"]
)
def test_features_are_exactly_the_same(tables: tuple[Tables, Tables], name: str) -> None:
    expected, actual = (side[name] for side in tables)
    assert differences(expected, actual, EXACT) == []


@pytest.mark.parametrize(
    "name",
    [
        "seg_customer_scores",
        "seg_customer_segments",
        "seg_customer_memberships",
        "seg_customer_reasons",
        "seg_segments",
        "seg_segment_profiles",
    ],
)
def test_memberships_and_what_follows_are_the_same(
    tables: tuple[Tables, Tables], name: str
) -> None:
    expected, actual = (side[name] for side in tables)
    assert differences(expected, actual, CLOSE) == []


def test_every_customer_is_there(tables: tuple[Tables, Tables]) -> None:
    """No comparison of empty tables."""
    for side in tables:
        assert len(side["seg_customer_scores"]) > 2000
        assert len(side["seg_customer_features"].columns) > 20


def test_every_model_was_built_and_every_data_test_passed(twins: Twins) -> None:
    results = json.loads((twins.other.project.artifacts / "run_results.json").read_text())
    statuses = [result["status"] for result in results["results"]]
    assert len(statuses) >= 30
    assert set(statuses) <= {"success", "pass", "warn"}


def test_a_pass_over_all_customers_is_the_same(twins: Twins) -> None:
    """What `fit --population` makes its next parameters of, and the log density of everybody."""
    model = stored_model(twins.duckdb.project, None)
    expected, actual = (sums_of_everybody(shop, model) for shop in (twins.duckdb, twins.other))
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


def sums_of_everybody(shop: Shop, model: SegmentModel) -> NDArray[np.float64]:
    """The objective, the log density and the next parameters, as one row of numbers."""
    query = f"select * from {shop.project.last_manifest().relation('seg_customer_features')}"
    with shop.project.warehouse(read_only=True) as warehouse:
        patterns = missing_patterns(warehouse, model.features, query, 16)
        everybody = Population(warehouse, model, query, patterns)
        sums, objective = everybody.em_step(parameters_of(model))
        means = [objective / everybody.customers, everybody.log_density(model)]
    following = em.maximization(sums, model.covariance_type, 0.0)
    parts = (following.weights, following.means, following.covariances)
    return np.concatenate([means, *(part.ravel() for part in parts)])


def differences(expected: pd.DataFrame, actual: pd.DataFrame, tolerance: float) -> list[str]:
    """The columns that differ, each with its largest difference; numbers beyond 1 are compared relatively."""
    if list(expected) != list(actual) or len(expected) != len(actual):
        return [
            f"{list(expected)} × {len(expected)} rows is not {list(actual)} × {len(actual)} rows"
        ]
    differing = []
    for name in expected:
        if expected[name].dtype.kind == "f" or actual[name].dtype.kind == "f":
            a, b = (side[name].astype(float).to_numpy() for side in (expected, actual))
            apart = np.abs(a - b) / np.maximum(np.abs(a), 1.0)
            apart[np.isnan(a) & np.isnan(b)] = 0.0
            if not (apart <= tolerance).all():
                differing.append(
                    f"{name}: {np.nanmax(apart)}, in {(~(apart <= tolerance)).sum()} rows"
                )
            continue
        # NULL comes as None from one engine and as NaN from another.
        left, right = (
            side[name].astype(object).fillna("NULL").map(str) for side in (expected, actual)
        )
        if (wrong := left != right).any():
            differing.append(f"{name}: {left[wrong].iloc[0]}, {right[wrong].iloc[0]}")
    return differing


@pytest.mark.parametrize("fault", [1e-15, -2e-9, np.nan])
def test_the_comparison_sees_one_wrong_number(fault: float) -> None:
    right = pd.DataFrame({"key": ["a", "b"], "number": [0.25, 0.5]})
    wrong = right.assign(number=[0.25, 0.5 + fault])
    assert differences(right, right, EXACT) == []
    assert len(differences(right, wrong, EXACT)) == 1
    assert len(differences(wrong, right, EXACT)) == 1
    assert len(differences(right, wrong, CLOSE)) == (abs(fault) != 1e-15)


def test_the_comparison_sees_a_wrong_text_and_a_missing_row() -> None:
    right = pd.DataFrame({"key": ["a", "b"]})
    assert differences(right, right, EXACT) == []
    assert differences(right, right.assign(key=["a", "c"]), EXACT) == ["key: b, c"]
    assert len(differences(right, right[:1], EXACT)) == 1
