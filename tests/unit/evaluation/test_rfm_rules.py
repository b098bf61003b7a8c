"""Quintiles as SQL's NTILE(5) has them, and the groups that are read off them."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from warehouse_seg.evaluation.rfm_rules import GRID, GROUPS, quintiles, rfm_groups, rfm_scores


@pytest.mark.parametrize("count", [5, 10, 1_000])
def test_quintiles_are_those_of_ntile(database: duckdb.DuckDBPyConnection, count: int) -> None:
    """With ties, broken by the order of rows; NTILE gives what does not divide by five to the first groups."""
    values = np.random.default_rng(count).integers(0, 20, count).astype(float)
    rows = ", ".join(f"({row}, {value})" for row, value in enumerate(values))
    expected = database.execute(
        f"select ntile(5) over (order by value, row) from (values {rows}) as t(row, value) order by row"
    ).fetchall()
    assert quintiles(values).tolist() == [score for (score,) in expected]


def test_fifths_of_a_number_that_is_none_differ_by_one_at_most() -> None:
    sizes = np.bincount(quintiles(np.arange(1_003.0)))[1:]
    assert sizes.sum() == 1_003
    assert sizes.max() - sizes.min() <= 1


def test_the_best_customers_score_five_and_are_champions() -> None:
    recency, orders, spend = np.arange(100.0), np.arange(100.0)[::-1], np.arange(100.0)[::-1]
    scores = rfm_scores(recency, orders, spend)
    assert scores[0].tolist() == [5, 5, 5]
    assert scores[-1].tolist() == [1, 1, 1]
    groups = rfm_groups(scores)
    assert (GROUPS[groups[0]], GROUPS[groups[-1]]) == ("champions", "hibernating")


@pytest.mark.parametrize(
    ("recency", "orders", "group"),
    [
        (1, 5, "cannot lose them"),
        (2, 3, "at risk"),
        (3, 1, "about to sleep"),
        (3, 3, "need attention"),
        (3, 4, "loyal"),
        (4, 1, "promising"),
        (5, 1, "new"),
        (4, 3, "potentially loyal"),
    ],
)
def test_the_groups_by_score(recency: int, orders: int, group: str) -> None:
    assert GROUPS[rfm_groups(np.array([[recency, orders, 1]]))[0]] == group


def test_every_group_is_on_the_grid() -> None:
    assert set(GRID.flat) == set(range(len(GROUPS)))
