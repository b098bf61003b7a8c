"""How long a statement is, is said; what an engine would refuse is warned of, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import duckdb
import numpy as np
import pytest

from tools.generate_sql import reference_model
from warehouse_seg.mixture.parameters import natural_parameters, parameters_of
from warehouse_seg.mixture.population_em import Population, sums_sql
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.scoring.limits import (
    LIMITS,
    WRAPPING_BYTES,
    Limit,
    Size,
    passed_limits,
    size_of,
    too_wide,
)
from warehouse_seg.scoring.statement import compile_scores
from warehouse_seg.sql.dialects import DIALECTS
from warehouse_seg.warehouse.connection import Warehouse

SMALL = Size(characters=1_000, bytes=1_000, columns=10, levels=10, segments=2, features=3)
EVERY_LIMIT = [(dialect, limit) for dialect, limits in LIMITS.items() for limit in limits]


def a_model(features: int, segments: int) -> SegmentModel:
    return SegmentModel(
        covariance_type="full",
        features=tuple(Feature(feature=f"x_{index}") for index in range(features)),
        components=tuple(
            Component.from_covariance(
                f"s{index}",
                1 / segments,
                np.full(features, index / 7),
                np.eye(features) + 0.1,
            )
            for index in range(segments)
        ),
    )


def test_every_dialect_has_its_limits() -> None:
    assert set(LIMITS) == set(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_usual_model_passes_none(dialect: str) -> None:
    """Ten segments over twelve features; the promise of `compile` is to be silent then."""
    model = a_model(12, 10)
    size = size_of(compile_scores(model, "t", dialect), model)
    assert passed_limits(size, dialect) == []


@pytest.mark.parametrize(("dialect", "limit"), EVERY_LIMIT)
def test_a_statement_past_the_limit_is_warned_of(dialect: str, limit: Limit) -> None:
    """The fault planted, and its neighbour that just fits."""
    wrapping = WRAPPING_BYTES if limit.measure in ("bytes", "characters") else 0
    fits = replace(SMALL, **{limit.measure: limit.most - wrapping})
    too_much = replace(SMALL, **{limit.measure: limit.most - wrapping + 1})
    assert passed_limits(fits, dialect) == []
    (warning,) = passed_limits(too_much, dialect)
    assert warning.startswith(f"{dialect} {limit.consequence}: found {limit.most + 1:,}")


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery", "trino"])
def test_a_model_that_is_too_large_is_found_by_its_text(dialect: str) -> None:
    model = a_model(40, 30)
    text = compile_scores(model, "t", dialect)
    assert len(passed_limits(size_of(text, model), dialect)) == 1
    assert not passed_limits(size_of(text, model), "spark")


def test_bytes_are_not_characters() -> None:
    """Names in other scripts take more bytes than characters."""
    model = reference_model()
    size = size_of("select 'Łódź'", model)
    assert (size.characters, size.bytes) == (13, 16)


def test_the_widest_select_is_counted() -> None:
    """Against what DuckDB says of the select in the step `whitened`."""
    model = a_model(5, 4)
    text = compile_scores(model, "t", "duckdb")
    head = text[: text.index("log_joint as (")].rstrip().rstrip(",")
    with duckdb.connect() as connection:
        columns = ", ".join(f"1e0 as x_{index}" for index in range(5))
        connection.execute(
            f"create table t as select 1 as customer_id, date '2026-01-01' as as_of_date, {columns}"
        )
        width = len(connection.execute(f"describe {head} select * from whitened").fetchall())
    assert size_of(text, model).columns == width


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_the_width_of_a_pass_over_all_customers_is_counted(covariance_type: str) -> None:
    """Against the statement itself."""
    model = a_model(5, 4).model_copy(update={"covariance_type": covariance_type})
    coefficients = natural_parameters(parameters_of(model), np.ones(5, dtype=bool))
    text = sums_sql(model, coefficients, [], "select * from t", None, "postgres")
    everybody = Population(cast("Warehouse", None), model, "select * from t")
    assert everybody.numbers == text[text.rindex("\nselect") :].count(" as ")


def test_a_pass_too_wide_for_the_engine_is_named() -> None:
    assert too_wide(1_664, "postgres") is None
    assert too_wide(1_665, "duckdb") is None
    assert "found 1,665 columns, documented are 1,664" in str(too_wide(1_665, "postgres"))


@pytest.mark.both_duckdb
@pytest.mark.parametrize(("segments", "runs"), [(94, True), (95, False)])
def test_the_depth_is_where_duckdb_draws_the_line(segments: int, runs: bool) -> None:
    """At a tenth of DuckDB's own limit, so that it takes a second."""
    model = a_model(1, segments)
    text = compile_scores(model, "t", "duckdb")
    depth = size_of(text, model).levels
    assert (depth <= 100) == runs
    with duckdb.connect() as connection:
        connection.execute(
            "create table t as select 1 as customer_id, date '2026-01-01' as as_of_date, 1e0 as x_0"
        )
        connection.execute("set max_expression_depth = 100")
        if runs:
            assert len(connection.execute(text).fetchall()) == 1
        else:
            with pytest.raises(duckdb.Error, match="expression depth limit"):
                connection.execute(text)


def test_a_size_reads_as_a_sentence() -> None:
    size = size_of("select 1", reference_model())
    assert str(size) == "8 characters (8 bytes), 2 segments × 3 features"
