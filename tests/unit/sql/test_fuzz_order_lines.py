"""Whatever type a column has and whatever odd value stands in it, customers and money survive or the lines are refused.

The rule of a whole build, on its two pure queries: the judge of the order lines, and the order lines that every later
model reads. A warning says of how many lines something is left out; only then may it be less.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import duckdb
import hypothesis
import pytest
from hypothesis import strategies as st

from warehouse_seg.errors import UsageError
from warehouse_seg.settings import Settings, settings_from
from warehouse_seg.sql.rendering import render

COLUMNS: dict[str, str | None] = {
    "customer_id": "customer_id",
    "order_id": "order_id",
    "ordered_at": "ordered_at",
    "amount": "amount",
    "category": "category",
}

TEXTS = [
    "a",
    "A",
    " a",
    "O'Brien",
    "007",
    "7",
    "Äpfel",
    "客",
    "NULL",
    "",
    " ",
    "\t\n",
    "\u00a0",
    "%",
    None,
]
KEYS: dict[str, list[Any]] = {
    "varchar": TEXTS,
    "bigint": [0, 1, -1, 2**63 - 1, None],
    "hugeint": [0, 10**30, -1, None],
    "decimal(20, 0)": [0, 1, 10**18, None],
    "double": [0.0, -0.0, 1.5, 1e300, None],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-8fff-ffffffffffff", None],
}
TIMES: dict[str, list[Any]] = {
    "timestamp": ["2025-01-01 00:00:00", "2025-06-30 23:59:59", "1970-01-01", "9999-12-31", None],
    "timestamptz": ["2025-03-30 01:30:00+00", "2025-10-26 01:30:00+00", "infinity", None],
    "date": ["2025-01-01", "2025-12-31", "1900-01-01", "-infinity", None],
    "varchar": ["2025-01-01", "2025-01-01 10:00:00", "31.12.2025", "12/31/25", "", None],
    "time": ["10:00:00"],
    "integer": [1735689600],
}
AMOUNTS: dict[str, list[Any]] = {
    "decimal(12, 2)": ["10.00", "-3.50", "0", "9999999999.99", None],
    "decimal(38, 10)": ["0.0000000001", "12.5", "1e27", None],
    "decimal(38, 18)": ["0.000000000000000001", "12.5", None],
    "decimal(18, 8)": ["0.00000001", "0.01234567", "12.5", None],
    "bigint": [10, -3, 0, 10**14, 9 * 10**18, None],
    "double": [10.0, 0.1, 1e-9, 1e15, 1e300, math.nan, math.inf, -math.inf, None],
    "float": [10.0, 0.1, 1e20, math.nan, None],
    "varchar": ["10.00", "12,50", "", "€ 5", "1e3", None],
    "boolean": [True],
    "varchar[]": [["10"]],
}


@dataclass(frozen=True)
class Lines:
    """A table of order lines: the type of each column, and rows."""

    types: dict[str, str]
    rows: list[tuple[Any, ...]]


@st.composite
def order_lines(draw: st.DrawFn) -> Lines:
    kinds = {"customer_id": KEYS, "order_id": KEYS, "ordered_at": TIMES, "amount": AMOUNTS}
    types = {name: draw(st.sampled_from(sorted(kind)), label=name) for name, kind in kinds.items()}
    values = [st.sampled_from(kind[types[name]]) for name, kind in kinds.items()]
    rows = draw(st.lists(st.tuples(*values, st.sampled_from(TEXTS)), min_size=1, max_size=12))
    return Lines({**types, "category": "varchar"}, rows)


class Refused(Exception):
    """The build would end here with a sentence."""


def judged_and_read(connection: duckdb.DuckDBPyConnection, types: dict[str, str]) -> set[str]:
    """Make `read`, the order lines as later models see them; the names of the warnings."""
    decimals = int(render("seg_decimals_of_type", types["amount"], "duckdb"))
    if decimals > 10:
        raise Refused
    try:
        judge = ("seg_order_line_findings", "lines", COLUMNS, types, decimals, "error", "UTC", None)
        found = connection.execute(render(*judge, "duckdb")).fetchall()
        query = render(
            "seg_order_lines", "lines", COLUMNS, types["amount"], decimals, "UTC", "duckdb"
        )
        connection.execute(f"create table read as {query}")
    except duckdb.Error as error:
        raise Refused from error
    if any(severity == "error" for _, severity, *_ in found):
        raise Refused
    return {name for name, *_ in found}


@hypothesis.settings(max_examples=300)
@hypothesis.given(lines=order_lines())
def test_no_customer_and_no_money_is_lost_without_a_word(lines: Lines) -> None:
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {type_}" for name, type_ in lines.types.items())
        connection.execute(f"create table lines ({columns})")
        connection.executemany("insert into lines values (?, ?, ?, ?, ?)", lines.rows)
        try:
            warnings = judged_and_read(connection, lines.types)
        except Refused:
            return
        told = connection.execute("select distinct customer_id from read").fetchall()
        paid = connection.execute("select cast(amount as varchar) from read").fetchall()
        given = connection.execute("select cast(amount as varchar) from lines").fetchall()

    people = {row[0] for row in lines.rows if row[0] is not None}
    blank = {key for key in people if isinstance(key, str) and not key.strip()}
    assert len([key for (key,) in told if key is not None]) == len(people - blank)
    assert bool(blank) == ("blank_customer_ids" in warnings)
    assert ("without_amount" in warnings) == any(amount is None for (amount,) in paid)
    money = [
        sum((Fraction(text) for (text,) in amounts if text), Fraction())
        for amounts in (given, paid)
    ]
    size = sum((abs(Fraction(text)) for (text,) in given if text), Fraction())
    assert abs(money[0] - money[1]) <= size / 10**6


@pytest.mark.parametrize("name", ["customer_id", "order_id", "amount", "ordered_at"])
def test_the_fuzz_meets_lines_that_are_read(name: str) -> None:
    """Or it would have tested nothing."""
    kinds = {"customer_id": KEYS, "order_id": KEYS, "amount": AMOUNTS, "ordered_at": TIMES}
    usual = {
        "customer_id": "bigint",
        "order_id": "bigint",
        "ordered_at": "date",
        "amount": "decimal(12, 2)",
        "category": "varchar",
    }
    read = set()
    for type_ in kinds[name]:
        types = usual | {name: type_}
        with duckdb.connect() as connection:
            columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
            connection.execute(f"create table lines ({columns})")
            row = {"customer_id": 1, "order_id": 1, "ordered_at": "2025-01-01", "amount": 10}
            row[name] = kinds[name][type_][0]
            connection.execute("insert into lines values (?, ?, ?, ?, 'Tea')", list(row.values()))
            try:
                judged_and_read(connection, types)
            except Refused:
                continue
        read.add(type_)
    assert len(read) >= len(kinds[name]) - 4


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@hypothesis.settings(max_examples=300)
@hypothesis.given(data=st.data())
def test_settings_of_any_kind_are_read_or_refused_in_words(data: st.DataObject) -> None:
    fields = Settings.model_fields
    names = data.draw(
        st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3, unique=True)
    )
    given: dict[str, Any] = {}
    for name in names:
        inner = getattr(fields[name].annotation, "model_fields", None)
        if inner and data.draw(st.booleans()):
            given[name] = {data.draw(st.sampled_from(sorted(inner))): data.draw(ODD)}
        else:
            given[name] = data.draw(ODD)
    with contextlib.suppress(UsageError):
        assert isinstance(settings_from(given), Settings)
