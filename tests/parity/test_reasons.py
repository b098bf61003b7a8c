"""The reasons that the SQL gives are exact Shapley values, whatever is missing, and add up to the log odds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from tests.parity.random_models import Case, Range, cases
from tests.parity.shapley import Reference, brute_force, log_joint
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.explanation import explain
from warehouse_seg.sql.rendering import render

pytestmark = pytest.mark.both_duckdb

Array = NDArray[np.float64]
Row = dict[str, Any]

TOLERANCE = 1e-9
RANKS = (1, 2, 3)
TIERS = {"dominant": 0.8, "hybrid": 0.3}
SEVERAL = Range(features=6, segments=5, condition=1e3, mean=3, farthest=None)
TOLD_APART = 700
"""Beyond these log odds the memberships of all others are zero in a double, and the runner-up is the first of them."""

EXAMPLES = settings(max_examples=25, derandomize=True, deadline=None)


def reasons_sql(model: SegmentModel, patterns: list[list[str]]) -> str:
    """The reasons of the table `features` with its scores and segments beneath, as one select."""
    scores = f"({model.score_sql('features', patterns=patterns)})"
    macro = model.to_macro(patterns)
    segments = render("seg_customer_assignment", macro, f"{scores} as scores", TIERS, "duckdb")
    return render("seg_customer_reasons", macro, "features", f"({segments})", "duckdb")


def reasons_of(
    database: duckdb.DuckDBPyConnection,
    model: SegmentModel,
    columns: Mapping[str, Array],
    fault: tuple[str, str] | None = None,
) -> list[Row]:
    """One row per customer, in order. fault: a text of the SQL and another one in its place"""
    frame = pd.DataFrame(dict(columns))
    frame.insert(0, "customer_id", range(len(frame)))
    frame.insert(1, "as_of_date", pd.Timestamp("2026-07-01"))
    database.register("features", frame)
    text = reasons_sql(model, patterns_of(model, columns))
    if fault:
        assert fault[0] in text
        text = text.replace(*fault)
    cursor = database.execute(f"select * from ({text}) order by customer_id")
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def patterns_of(model: SegmentModel, columns: Mapping[str, Array]) -> list[list[str]]:
    missing = {
        tuple(np.isnan(row).tolist())
        for row in np.column_stack([columns[name] for name in model.feature_names])
    }
    return [
        [name for name, is_missing in zip(model.feature_names, row, strict=True) if is_missing]
        for row in sorted(missing)
        if any(row)
    ]


@st.composite
def with_gaps(draw: st.DrawFn) -> Case:
    """A random model, and customers who lack random features, some of them all."""
    case = draw(cases(SEVERAL))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1), "seed of the gaps"))
    share = draw(st.sampled_from([0.0, 0.2, 0.6]), "share of gaps")
    columns = {
        name: np.where(generator.random(len(values)) < share, np.nan, values)
        for name, values in case.columns.items()
    }
    return Case(case.mixture, case.model, columns)


def reference_of(model: SegmentModel, z: Array, row: Row) -> Reference:
    return brute_force(model, z, row["segment_key"], row["runner_up_segment_key"])


def judge(model: SegmentModel, columns: Mapping[str, Array], rows: list[Row]) -> None:
    """Everything that a row promises, of every row."""
    names = np.array(model.feature_names)
    for z, row in zip(model.standardized(columns), rows, strict=True):
        reference = reference_of(model, z, row)
        near = TOLERANCE * max(1.0, reference.largest)
        assert row["base_log_odds"] == pytest.approx(reference.base, rel=0, abs=near)
        assert row["log_odds"] == pytest.approx(reference.log_odds, rel=0, abs=near)
        listed = [rank for rank in RANKS if row[f"reason_{rank}_feature"] is not None]
        assert listed == list(range(1, len(listed) + 1))
        actual = [row[f"reason_{rank}_log_odds"] for rank in listed]
        total = row["base_log_odds"] + sum(actual) + row["other_log_odds"]
        assert total == pytest.approx(row["log_odds"], rel=0, abs=near)
        best = sorted((phi for phi in reference.phi if phi > 0), reverse=True)[:3]
        padded = [*actual, *[0.0] * 3][:3]
        assert padded == pytest.approx([*best, *[0.0] * 3][:3], rel=0, abs=near)
        measured = names[~np.isnan(z)].tolist()
        for rank in listed:
            place = measured.index(row[f"reason_{rank}_feature"])
            assert row[f"reason_{rank}_log_odds"] == pytest.approx(
                reference.phi[place], rel=0, abs=near
            )
            side = "high" if reference.deviation[place] > 0 else "low"
            assert row[f"reason_{rank}_direction"] == side


@EXAMPLES
@given(case=with_gaps())
def test_equal_brute_force_over_all_subsets(
    database: duckdb.DuckDBPyConnection, case: Case
) -> None:
    rows = reasons_of(database, case.model, case.columns)
    assert len(rows) == len(next(iter(case.columns.values())))
    if len(case.model.components) > 1:
        judge(case.model, case.columns, rows)
        return
    # With a single segment there is nobody to be preferred to.
    for row in rows:
        assert {value for name, value in row.items() if "log_odds" in name or "reason" in name} == {
            None
        }


@EXAMPLES
@given(case=with_gaps())
def test_the_segments_are_those_of_the_largest_densities(
    database: duckdb.DuckDBPyConnection, case: Case
) -> None:
    """Log odds are those of the two largest memberships, so never negative but for rounding."""
    rows = reasons_of(database, case.model, case.columns)
    for z, row in zip(case.standardized, rows, strict=True):
        places = np.flatnonzero(~np.isnan(z))
        values = sorted(log_joint(c, z[places], places) for c in case.model.components)
        if len(values) > 1 and values[-1] - values[-2] <= TOLD_APART:
            assert row["log_odds"] == pytest.approx(values[-1] - values[-2], rel=1e-9, abs=1e-9)


@EXAMPLES
@given(case=with_gaps())
def test_the_array_form_says_the_same(database: duckdb.DuckDBPyConnection, case: Case) -> None:
    """What `warehouse-seg explain` prints is what the table holds."""
    rows = reasons_of(database, case.model, case.columns)
    for number, row in enumerate(rows):
        actual = explain(case.model, {n: float(v[number]) for n, v in case.columns.items()})
        assert actual.segment_key == row["segment_key"]
        if actual.log_odds is None:
            assert (row["log_odds"], actual.contributions) == (None, [])
            continue
        if actual.log_odds > TOLD_APART:
            continue
        near = TOLERANCE * (1 + sum(abs(c.log_odds) for c in actual.contributions))
        assert actual.log_odds == pytest.approx(row["log_odds"], rel=0, abs=near)
        assert actual.base_log_odds == pytest.approx(row["base_log_odds"], rel=0, abs=near)
        speaking = [c.log_odds for c in actual.contributions if c.log_odds > 0][:3]
        listed = [row[f"reason_{r}_log_odds"] for r in RANKS]
        assert [value or 0.0 for value in listed] == pytest.approx(
            [*speaking, 0.0, 0.0, 0.0][:3], rel=0, abs=near
        )
        missing = [name for name, values in case.columns.items() if np.isnan(values[number])]
        assert actual.missing_features == missing


# ------------------------------------------------------------------------------ numbers by head, and faults


def two_segments() -> SegmentModel:
    """f(z) = 2 recent - 4 often + ln 3: unit covariances, so that nothing bends."""
    names = ("recent", "often", "dull")
    return SegmentModel(
        covariance_type="full",
        features=tuple(Feature(feature=name) for name in names),
        components=(
            Component.from_covariance("s1", 0.75, np.array([1.0, -2.0, 0.5]), np.eye(3)),
            Component.from_covariance("s2", 0.25, np.array([-1.0, 2.0, 0.5]), np.eye(3)),
        ),
    )


def slanted() -> SegmentModel:
    """The same with covariances that differ, over four features."""
    generator = np.random.default_rng(7)
    components = []
    for key in ("s1", "s2", "s3"):
        root = generator.normal(size=(4, 4))
        covariance = root @ root.T / 4 + np.eye(4) / 2
        components.append(
            Component.from_covariance(key, 1 / 3, generator.normal(size=4), covariance)
        )
    features = tuple(Feature(feature=name) for name in "abcd")
    return SegmentModel(covariance_type="full", features=features, components=tuple(components))


def test_numbers_that_are_seen_by_head(database: duckdb.DuckDBPyConnection) -> None:
    columns = {
        "recent": np.array([3.0, -0.125, 3.0, np.nan, 0.0]),
        "often": np.array([-1.0, 1.5, 0.5, np.nan, 0.0]),
        "dull": np.array([9.0, 0.5, np.nan, np.nan, 0.5]),
    }
    rows = reasons_of(database, two_segments(), columns)
    ln_3 = np.log(3)
    picked = [
        (row["segment_key"], row["reasons"], row["reason_1_log_odds"], row["reason_2_log_odds"])
        for row in rows
    ]
    assert picked == [
        ("s1", "recent high, often low", 6.0, 4.0),
        # To s2, the log odds turn their sign; recent's part is less than a tenth of often's, and no word of it.
        ("s2", "often high", 6.0, 0.25),
        ("s1", "recent high", 6.0, None),
        ("s1", "", None, None),
        ("s1", "", None, None),
    ]
    assert [row["base_log_odds"] for row in rows] == pytest.approx([ln_3, -ln_3, ln_3, ln_3, ln_3])
    assert [row["other_log_odds"] for row in rows] == [0.0, 0.0, -2.0, 0.0, 0.0]


def test_equal_contributions_stand_in_the_models_order(database: duckdb.DuckDBPyConnection) -> None:
    model = SegmentModel(
        covariance_type="spherical",
        features=tuple(Feature(feature=name) for name in ("d", "c", "b", "a")),
        components=(
            Component.from_covariance("s1", 0.5, np.ones(4), np.eye(4)),
            Component.from_covariance("s2", 0.5, -np.ones(4), np.eye(4)),
        ),
    )
    (row,) = reasons_of(database, model, {name: np.array([1.0]) for name in "dcba"})
    assert row["reasons"] == "d high, c high, b high"
    assert row["other_log_odds"] == 2.0


def customers_with_gaps(model: SegmentModel) -> dict[str, Array]:
    generator = np.random.default_rng(3)
    columns = {name: generator.normal(size=60) for name in model.feature_names}
    columns["b"][::3] = np.nan
    columns["d"][::4] = np.nan
    return columns


@pytest.mark.parametrize(
    "fault",
    [
        # A slope that is taken at the customer, not halfway: the gradient, not the Shapley value.
        ("+ 5e-1 * (curvature_1_1 * deviation_1", "+ 1e0 * (curvature_1_1 * deviation_1"),
        ("top_segment.mean_2 + runner_up.mean_2", "top_segment.mean_2 + top_segment.mean_2"),
        ("log_norm + 5e-1 *", "log_norm - 5e-1 *"),
        ("deviation_3 > 0e0", "deviation_3 < 0e0"),
        ("when 1 in (position_1) then 0e0", "when 1 in (position_1) then contribution_1"),
        ("1 in (position_1, position_2, position_3)", "1 in (position_1, position_2)"),
        # The precision of everything where only some features were measured.
        ("standardized.pattern = pairs.pattern", "pairs.pattern = ''"),
    ],
)
def test_the_judge_sees_a_fault(
    database: duckdb.DuckDBPyConnection, fault: tuple[str, str]
) -> None:
    model = slanted()
    columns = customers_with_gaps(model)
    judge(model, columns, reasons_of(database, model, columns))
    with pytest.raises(AssertionError):
        judge(model, columns, reasons_of(database, model, columns, fault))


def test_a_pattern_that_was_not_counted_has_no_reasons(
    database: duckdb.DuckDBPyConnection,
) -> None:
    """Nobody gets a row of another pattern's numbers; in dbt patterns are counted in the same build."""
    model = slanted()
    frame = pd.DataFrame({name: [0.5, 0.25] for name in "abcd"} | {"b": [0.5, None]})
    frame.insert(0, "customer_id", [1, 2])
    frame.insert(1, "as_of_date", pd.Timestamp("2026-07-01"))
    database.register("features", frame)
    segments = "(select *, 1 as model_version, 's1' as segment_key, 's2' as runner_up_segment_key from features)"
    text = render("seg_customer_reasons", model.to_macro(), "features", segments, "duckdb")
    actual = f"select log_odds is null, reasons is null from ({text}) order by customer_id"
    assert database.execute(actual).fetchall() == [(False, False), (True, True)]


def test_a_precision_has_its_diagonal_alone_where_every_covariance_has(
    database: duckdb.DuckDBPyConnection,
) -> None:
    """Fewer columns, the same reasons."""
    text = reasons_sql(two_segments(), [])
    assert "curvature_3_3" in text
    assert "curvature_1_2" not in text
    assert "curvature_1_2" in reasons_sql(slanted(), [])


def test_names_of_features_are_only_names(database: duckdb.DuckDBPyConnection) -> None:
    names = ["it's", 'double"quote', "position_1"]
    model = two_segments()
    features = tuple(Feature(feature=name) for name in names)
    model = model.model_copy(update={"features": features})
    (row,) = reasons_of(
        database, model, dict(zip(names, np.array([[3.0], [-1.0], [1]]), strict=True))
    )
    assert row["reasons"] == "it's high, double\"quote low"
