"""Category values become column names that any engine takes, each its own; the categories chosen are the largest."""

from __future__ import annotations

import json
import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse_seg.sql.rendering import render

LONGEST = 40


def suffixes(*values: str) -> list[str]:
    columns = json.loads(render("seg_category_columns", list(values)))
    assert [column["category"] for column in columns] == list(values)
    return [column["column_suffix"] for column in columns]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["Fresh Fruit"], ["fresh_fruit"]),
        (
            ["Fresh Fruit", "fresh-fruit", "FRESH  FRUIT"],
            ["fresh_fruit", "fresh_fruit_2", "fresh_fruit_3"],
        ),
        (["a", "A_2", "A"], ["a", "a_2", "a_3"]),
        (["a", "A", "a_2"], ["a", "a_2", "a_2_2"]),
        (["other", "Other!"], ["other_2", "other_3"]),
        (["日本", "", "---"], ["category", "category_2", "category_3"]),
        (["crème brûlée"], ["cr_me_br_l_e"]),
        (["select", "2024", 'O\'Brien "x"; --'], ["select", "2024", "o_brien_x"]),
        (["<b>&amp;</b>"], ["b_amp_b"]),
        (["x" * 60, "x" * 61], ["x" * 40, "x" * 38 + "_2"]),
        (["y" * 39 + " z"], ["y" * 39]),
        ([], []),
    ],
)
def test_suffixes_of_examples(values: list[str], expected: list[str]) -> None:
    assert suffixes(*values) == expected


@given(st.lists(st.text(alphabet=st.sampled_from("aA1_ é日'\"-2other")), unique=True, max_size=12))
def test_suffixes_are_safe_and_unique(values: list[str]) -> None:
    actual = suffixes(*values)
    assert len(set(actual)) == len(values)
    assert "other" not in actual
    assert all(re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", suffix) for suffix in actual)
    assert all(len(suffix) <= LONGEST for suffix in actual)


def test_largest_categories_are_ordered_by_net_spend_then_name(
    database: duckdb.DuckDBPyConnection,
) -> None:
    spend = """(values
        ('small', 1.0), ('tie b', 5.0), ('tie a', 2.5), ('tie a', 2.5), ('lost money', -9.0),
        ('returned', 100.0), ('returned', -98.0), ('free', 0.0)
    ) as category_spend(category, spend)"""
    query = render("seg_largest_categories", spend, 4, "duckdb")
    expected = ["tie a", "tie b", "returned", "small"]
    assert [category for (category,) in database.execute(query).fetchall()] == expected
    (first,) = database.execute(render("seg_largest_categories", spend, 1, "duckdb")).fetchall()
    assert first == ("tie a",)
