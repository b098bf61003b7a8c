"""Flows between two dates: equal to the formula in NumPy, and what the formula promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from warehouse_seg.sql.rendering import render

pytestmark = pytest.mark.both_duckdb


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Of these tests alone: they leave tables in it."""
    with duckdb.connect() as connection:
        yield connection


Array = NDArray[np.float64]

OLD, NEW = ["s1", "s2", "s3"], ["s2", "s3", "s4", "s5"]
NAMES = {f"s{k}": f"Segment {k}" for k in range(1, 6)}
DAY, BEFORE = "2024-02-01", "2024-01-01"


def history(p: Array, q: Array, p_keys: list[str], q_keys: list[str]) -> pd.DataFrame:
    """Both dates' rows of the same customers; a row of NaN is a customer who is not there."""
    frames = []
    sides = ((p, p_keys, BEFORE, 1), (q, q_keys, DAY, 1 if p_keys == q_keys else 2))
    for values, keys, day, version in sides:
        there = ~np.isnan(values).any(axis=1)
        frame = pd.DataFrame(
            {f"membership_{key}": np.nan for key in NAMES}, index=range(len(values))
        )
        for k, key in enumerate(keys):
            frame[f"membership_{key}"] = values[:, k]
        frame["segment_key"] = [keys[k] for k in np.nan_to_num(values).argmax(axis=1)]
        frame["customer_id"] = range(len(values))
        frames.append(
            frame[there].assign(
                as_of_date=pd.Timestamp(day),
                basis="known",
                model_version=version,
                scored_at=pd.Timestamp("2024-03-01"),
            )
        )
    both: pd.DataFrame = pd.concat(frames)
    return both


def step(p_keys: list[str], q_keys: list[str]) -> dict[str, Any]:
    def side(day: str, keys: list[str], version: int) -> dict[str, Any]:
        components = [{"segment_key": key, "segment_name": NAMES[key]} for key in keys]
        model = {"model_version": version, "components": components}
        return {"date": day, "basis": "known", "model": model}

    return {
        "date": DAY,
        "previous_date": BEFORE,
        "cause": "customers",
        "before": side(BEFORE, p_keys, 1),
        "after": side(DAY, q_keys, 1 if p_keys == q_keys else 2),
    }


def rows(
    database: duckdb.DuckDBPyConnection,
    macro: str,
    p: Array,
    q: Array,
    p_keys: list[str],
    q_keys: list[str],
) -> pd.DataFrame:
    database.register("history", history(p, q, p_keys, q_keys))
    names = [NAMES] if macro == "seg_flow_rows" else []
    query = render(macro, step(p_keys, q_keys), "history", *names, "duckdb")
    return database.execute(query).df()


def reference(
    p: Array, q: Array, p_keys: list[str], q_keys: list[str]
) -> dict[tuple[str | None, str | None], float]:
    """min(p_k, q_k) stays, (p_k - q_k)+ (q_m - p_m)+ / TV goes from k to m; who is missing is wholly in None."""
    keys: list[str | None] = [*dict.fromkeys([*p_keys, *q_keys]), None]
    old, new = (
        np.column_stack(
            [values[:, own.index(k)] if k in own else np.zeros(len(values)) for k in keys]
        )
        for values, own in ((p, p_keys), (q, q_keys))
    )
    for values in (old, new):
        missing = np.isnan(values).any(axis=1)
        values[missing] = np.eye(len(keys))[-1]
    loss, gain = np.maximum(old - new, 0), np.maximum(new - old, 0)
    variation = loss.sum(axis=1)
    moved = (
        np.einsum("nk,nm->nkm", loss, gain) / np.where(variation > 0, variation, 1)[:, None, None]
    )
    flows = moved.sum(axis=0) + np.diag(np.minimum(old, new).sum(axis=0))
    return {
        (k, m): flows[i, j]
        for i, k in enumerate(keys)
        for j, m in enumerate(keys)
        if flows[i, j] > 0
    }


def memberships(random: np.random.Generator, customers: int, segments: int) -> Array:
    """Certain customers, blends and exact halves."""
    blends = random.dirichlet(np.full(segments, 0.4), customers)
    blends[::5] = np.eye(segments)[random.integers(0, segments, len(blends[::5]))]
    blends[1::5] = (np.eye(segments)[0] + np.eye(segments)[-1]) / 2
    return blends


@pytest.mark.parametrize(
    ("p_keys", "q_keys"), [(OLD, OLD), (OLD, NEW), (["s1"], ["s1"]), (["s1"], NEW)]
)
@pytest.mark.parametrize("seed", range(3))
def test_flows_are_those_of_the_formula(
    database: duckdb.DuckDBPyConnection, p_keys: list[str], q_keys: list[str], seed: int
) -> None:
    random = np.random.default_rng(seed)
    p, q = memberships(random, 200, len(p_keys)), memberships(random, 200, len(q_keys))
    q[:40, : len(p_keys)] = p[:40] if p_keys == q_keys else q[:40, : len(p_keys)]
    p[50:60], q[60:75] = np.nan, np.nan

    flows = rows(database, "seg_flow_rows", p, q, p_keys, q_keys).replace({np.nan: None})
    expected = reference(p, q, p_keys, q_keys)

    found: dict[Any, Any] = {
        (row.previous_segment_key, row.segment_key): row.expected_customers
        for row in flows.itertuples()
    }
    assert found.keys() >= expected.keys()
    for pair, amount in found.items():
        assert amount == pytest.approx(expected.get(pair, 0.0), abs=1e-9)
    # Every row and column is one date's customers, by top segment and expected.
    for column, values, keys in (("previous_segment_key", p, p_keys), ("segment_key", q, q_keys)):
        there = values[~np.isnan(values).any(axis=1)]
        for k, key in enumerate(keys):
            side = flows[flows[column] == key]
            assert side["expected_customers"].sum() == pytest.approx(there[:, k].sum(), abs=1e-9)
            assert side["customers"].sum() == (there.argmax(axis=1) == k).sum()
    assert flows["customers"].sum() == 200


def test_who_stays_half_and_half_moves_nowhere(database: duckdb.DuckDBPyConnection) -> None:
    half = np.tile([0.5, 0.5, 0.0], (10, 1))
    flows = rows(database, "seg_flow_rows", half, half, OLD, OLD)
    assert set(zip(flows["previous_segment_key"], flows["segment_key"], strict=True)) == {
        ("s1", "s1"),
        ("s2", "s2"),
    }
    assert list(flows["expected_customers"]) == [5.0, 5.0]
    assert rows(database, "seg_movement_rows", half, half, OLD, OLD)["total_variation"].eq(0).all()


def test_a_movement_names_what_rose_and_what_fell(database: duckdb.DuckDBPyConnection) -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [np.nan] * 3])
    q = np.array([[0.1, 0.3, 0.6], [0.5, 0.5, 0.0], [0.4, 0.4, 0.2], [1.0, 0.0, 0.0]])
    moved = rows(database, "seg_movement_rows", p, q, OLD, OLD).sort_values("customer_id")
    assert list(moved["customer_id"]) == [0, 1, 2]
    np.testing.assert_allclose(moved["total_variation"], [0.6, 0.0, 0.3], atol=1e-12)
    assert list(moved["most_fell_segment_key"].replace({np.nan: None})) == ["s1", None, "s3"]
    assert list(moved["most_rose_segment_key"].replace({np.nan: None})) == ["s3", None, "s1"]
    np.testing.assert_allclose(moved["most_rose_by"], [0.5, 0.0, 0.2], atol=1e-12)


def test_times_in_a_segment_follow_from_what_left_it(database: duckdb.DuckDBPyConnection) -> None:
    """A tenth leaves s1 each period of 30 days."""
    transitions = pd.DataFrame(
        [
            {
                "cause": "customers",
                "previous_segment_key": k,
                "segment_key": m,
                "expected_customers": n,
            }
            for k, m, n in (
                ("s1", "s1", 90.0),
                ("s1", "s2", 10.0),
                ("s2", "s2", 50.0),
                (None, "s1", 7.0),
                ("s1", None, 3.0),
            )
        ]
    ).assign(
        previous_as_of_date=pd.Timestamp("2024-01-01"),
        as_of_date=pd.Timestamp("2024-01-31"),
        previous_segment_name="A",
    )
    database.register("transitions", transitions)
    query = render("seg_duration_rows", "transitions", "duckdb")
    found = database.execute(f"select * from ({query}) order by segment_key").df()
    assert list(found["segment_key"]) == ["s1", "s2"]
    assert found["leaving_rate"][0] == pytest.approx(0.1)
    assert found["mean_days"][0] == pytest.approx(300.0)
    assert found["half_life_days"][0] == pytest.approx(30 * np.log(0.5) / np.log(0.9))
    assert found.loc[1, ["mean_days", "half_life_days"]].isna().all()


def test_paths_are_what_customers_went_through(database: duckdb.DuckDBPyConnection) -> None:
    sequences = {1: "AABBC", 2: "ABCCA", 3: "ABC", 4: "AB", 5: "CCC", 6: "ABAB"}
    dates = pd.date_range("2024-01-01", periods=5, freq="MS")
    database.register(
        "segment_history",
        pd.DataFrame(
            [
                {"customer_id": customer, "as_of_date": dates[number], "segment_key": key}
                for customer, keys in sequences.items()
                for number, key in enumerate(keys)
            ]
        ),
    )
    names = {key: f"Segment {key}" for key in "ABC"}
    query = render(
        "seg_path_rows", "segment_history", "2024-05-01", "2024-05-01 00:00:00", names, "duckdb"
    )
    found = database.execute(query).df().replace({np.nan: None})
    counted = {
        (row.segment_keys, row.next_segment_key): (row.passages, row.customers, row.share_of_path)
        for row in found.itertuples()
    }
    assert counted == {
        ("A > B > C", None): (2, 2, pytest.approx(2 / 3)),
        ("A > B > C", "A"): (1, 1, pytest.approx(1 / 3)),
        ("B > C > A", None): (1, 1, 1.0),
        ("A > B > A", "B"): (1, 1, 1.0),
        ("B > A > B", None): (1, 1, 1.0),
        ("A > B > C > A", None): (1, 1, 1.0),
        ("A > B > A > B", None): (1, 1, 1.0),
    }
    assert set(found["segment_names"]) >= {"Segment A > Segment B > Segment C"}
