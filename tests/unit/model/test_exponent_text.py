"""Numbers become text and come back as the same doubles, in Python and in DuckDB."""

from __future__ import annotations

import re
import struct

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse_seg.model.exponent_text import exponent_text
from warehouse_seg.sql.rendering import render

FINITE = st.floats(allow_nan=False, allow_infinity=False)
CHECKED_BY_DBT = r"-?[0-9]+([.][0-9]+)?e[-+]?[0-9]+"
"""What dbt takes for a number when it reads the registry (`seg_checked_number`)."""

AWKWARD = [
    *(0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1e-323),
    *(0.1, 1 / 3, 1e22, 1e23, 9007199254740993.0, 123456789.12345679, 1e16, 1e-5, 1e-4),
]


def bits(number: float) -> bytes:
    return struct.pack("<d", number)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(FINITE)
def test_the_text_reads_back_as_the_same_double(number: float) -> None:
    text = exponent_text(number)
    assert bits(float(text)) == bits(number)
    assert re.fullmatch(CHECKED_BY_DBT, text)


@pytest.mark.both_duckdb
@settings(max_examples=20, derandomize=True, deadline=None)
@given(st.lists(FINITE, min_size=100, max_size=100))
def test_duckdb_reads_the_same_double(
    database: duckdb.DuckDBPyConnection, numbers: list[float]
) -> None:
    numbers = [*numbers, *AWKWARD]
    rows = database.execute(
        f"select v, typeof(v) from (select unnest([{', '.join(map(exponent_text, numbers))}]) as v)"
    ).fetchall()
    assert [bits(value) for value, _ in rows] == [bits(number) for number in numbers]
    assert {kind for _, kind in rows} == {"DOUBLE"}


@pytest.mark.both_duckdb
def test_without_an_exponent_duckdb_reads_another_type(
    database: duckdb.DuckDBPyConnection,
) -> None:
    """The partner: why the exponent is there."""
    assert database.execute("select typeof(0.1), typeof(0.1e0)").fetchall() == [
        ("DECIMAL(2,1)", "DOUBLE")
    ]


@pytest.mark.parametrize("number", [np.float64(0.25), np.float32(0.25), 0.25, True, 3, 10**20])
def test_any_kind_of_number_is_written_plainly(number: float) -> None:
    """numpy's own repr would write `np.float64(0.25)`."""
    assert re.fullmatch(CHECKED_BY_DBT, exponent_text(number))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(FINITE)
def test_the_macro_writes_the_same_text(number: float) -> None:
    """Thresholds of tiers come from YAML and pass through Jinja instead."""
    assert render("seg_exponent", number) == exponent_text(number)


@pytest.mark.both_duckdb
@pytest.mark.parametrize("number", AWKWARD)
def test_subtraction_of_any_number_parses(
    database: duckdb.DuckDBPyConnection, number: float
) -> None:
    """`1 - -0.5` is written as `1 + 0.5`: two dashes side by side begin a comment."""
    for sign in (1, -1):
        text = f"1e0{render('seg_minus', exponent_text(sign * number))}"
        assert "- -" not in text
        assert "--" not in text
        assert database.execute(f"select {text}").fetchall() == [(1 - sign * number,)]
