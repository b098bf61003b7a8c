"""Customers at the edge of arithmetic get the same memberships on every engine, and no engine stops at one of them."""

from __future__ import annotations

import itertools

import duckdb
import pandas as pd
import pytest

from tests.engines.conftest import Twins
from tests.engines.test_same_answers import CLOSE, differences
from tools.generate_sql import reference_model
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

VALUES = {
    "recency_days": ["90", "0", "-3", "1e99", "NULL", "'NaN'"],
    "order_count": ["1", "100000", "'Infinity'", "NULL"],
    "spend_wine": ["0", "1e-30", "1e99", "'-Infinity'", "12.5"],
}
"""Texts that each engine casts to a double; every combination is a customer."""


@pytest.fixture(scope="module")
def sides(demo: Twins) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """What DuckDB, and what the engine, makes of them."""
    with Warehouse(DuckDB(duckdb.connect())) as ours, demo.other.project.warehouse() as theirs:
        return answers(ours), answers(theirs)


def customers(dialect: str) -> str:
    double = render("seg_double", dialect)
    rows = [
        f"({number}, cast('2026-07-01' as date), "
        + ", ".join(f"cast({value} as {double})" for value in values)
        + ")"
        for number, values in enumerate(itertools.product(*VALUES.values()))
    ]
    # Every branch of the scoring reads them: as a union of selects Spark took minutes to plan.
    columns = ", ".join(["customer_id", "as_of_date", *VALUES])
    return f"(select {columns} from (values {', '.join(rows)}) as listed ({columns}))"


def answers(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    """Scores, assignment and profiles."""
    dialect, model = warehouse.dialect, reference_model()
    people = f"{customers(dialect)} as people"
    patterns = missing_patterns(warehouse, model.features, f"select * from {people}", 8)
    scores = f"({model.score_sql(people, dialect, patterns=patterns)})"
    tiers = {"dominant": 0.8, "hybrid": 0.3}
    measures = [{"feature": name, "shift": "0.0e0"} for name in model.feature_names]
    texts = {
        "scores": scores[1:-1],
        "assignment": render(
            "seg_customer_assignment", model.to_macro(), f"{scores} as s", tiers, dialect
        ),
        "profiles": render(
            "seg_profiles", model.to_macro(), customers(dialect), scores, measures, dialect
        ),
    }
    keys = {"profiles": ["segment_key", "feature"]}
    return {
        name: pd.DataFrame(warehouse.rows(text)).sort_values(
            keys.get(name, ["customer_id"]), ignore_index=True
        )
        for name, text in texts.items()
    }


@pytest.mark.parametrize("name", ["scores", "assignment", "profiles"])
def test_the_answers_are_the_same(
    sides: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]], name: str
) -> None:
    expected, actual = (side[name] for side in sides)
    assert differences(expected, actual, CLOSE) == []


def test_the_customers_are_awkward_enough(
    sides: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    """Among them are some for whom a segment's density is nothing, and some of whom nothing was measured."""
    expected, _ = sides
    scores = expected["scores"]
    assert len(scores) == 120
    assert (scores.filter(like="membership_").min(axis=1) == 0).any()
    assert (scores["missing_features"].str.count(",") == 2).any()
