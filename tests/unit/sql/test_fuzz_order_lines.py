"""Whatever type a column has and whatever odd value stands in it, customers and money survive or the lines are refused.

The rule of a whole build, on its two pure queries: the judge of the order lines, and the order lines that every later
model reads. A warning says of how many lines something is left out; only then may it be less.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
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

COLUMNS = {name: name for name in ("customer_id", "order_id", "ordered_at", "amount", "category")}

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
    "varchar[]": [["10"]],
}


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
USUAL = {
    "customer_id": "bigint",
    "order_id": "bigint",
    "ordered_at": "date",
    "amount": "decimal(12, 2)",
    "category": "varchar",
}


@dataclass(frozen=True)
class Lines:
    """A table of order lines, and the settings that they are read with.

    types: of each column; rows: in the order of the columns; session: the time zone of the connection
    """

    types: dict[str, str]
    rows: list[tuple[Any, ...]]
    amount_decimals: int | None = None
    timezone: str = "UTC"
    session: str = "UTC"


@st.composite
def order_lines(draw: st.DrawFn) -> Lines:
    kinds = {"customer_id": KEYS, "order_id": KEYS, "ordered_at": TIMES, "amount": AMOUNTS}
    types = {name: draw(st.sampled_from(sorted(kind)), label=name) for name, kind in kinds.items()}
    values = [st.sampled_from(kind[types[name]]) for name, kind in kinds.items()]
    return Lines(
        {**types, "category": "varchar"},
        draw(st.lists(st.tuples(*values, st.sampled_from(TEXTS)), min_size=1, max_size=12)),
        draw(st.none() | st.integers(0, 10), label="amount_decimals"),
        draw(st.sampled_from(ZONES), label="timezone"),
        draw(st.sampled_from(ZONES), label="session"),
    )


class Refused(Exception):
    """The build would end here with a sentence."""


@contextlib.contextmanager
def loaded(lines: Lines) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = '{lines.session}'")
        columns = ", ".join(f"{name} {type_}" for name, type_ in lines.types.items())
        connection.execute(f"create table lines ({columns})")
        connection.executemany("insert into lines values (?, ?, ?, ?, ?)", lines.rows)
        yield connection


def judged_and_read(connection: duckdb.DuckDBPyConnection, lines: Lines) -> set[str]:
    """Make `read`, the order lines as later models see them; the names of the warnings."""
    types, given = lines.types, lines.amount_decimals
    of_type = int(render("seg_decimals_of_type", types["amount"], "duckdb"))
    decimals = of_type if given is None else given
    if decimals > 10:
        raise Refused
    severity = "error" if given is None else "warn"
    judge = ("seg_order_line_findings", "lines", COLUMNS, types, decimals, severity)
    reading = ("seg_order_lines", "lines", COLUMNS, types["amount"], decimals)
    try:
        findings = connection.execute(render(*judge, lines.timezone, None, "duckdb")).fetchall()
        query = render(*reading, lines.timezone, "duckdb")
        connection.execute(f"create table read as {query}")
    except duckdb.Error as error:
        raise Refused from error
    if any(severity == "error" for _, severity, *_ in findings):
        raise Refused
    return {name for name, *_ in findings}


@hypothesis.settings(max_examples=300)
@hypothesis.given(lines=order_lines())
def test_no_customer_and_no_money_is_lost_without_a_word(lines: Lines) -> None:
    with loaded(lines) as connection:
        try:
            warnings = judged_and_read(connection, lines)
        except Refused:
            return
        keys = connection.execute("select distinct customer_id from read").fetchall()
        kept = connection.execute("select cast(amount as varchar) from read").fetchall()
        given = connection.execute("select cast(amount as varchar) from lines").fetchall()

    people = {row[0] for row in lines.rows if row[0] is not None}
    blank = {key for key in people if isinstance(key, str) and not key.strip()}
    assert len([key for (key,) in keys if key is not None]) == len(people - blank)
    assert bool(blank) == ("blank_customer_ids" in warnings)
    assert ("without_amount" in warnings) == any(amount is None for (amount,) in kept)
    before, after = (
        sum((Fraction(text) for (text,) in amounts if text), Fraction())
        for amounts in (given, kept)
    )
    size = sum((abs(Fraction(text)) for (text,) in given if text), Fraction())
    assert "amounts_rounded_away" in warnings or abs(before - after) <= size / 10**6


REFUSED_TYPES = {
    "customer_id": (KEYS, set()),
    "order_id": (KEYS, set()),
    "ordered_at": (TIMES, {"time", "integer"}),
    "amount": (AMOUNTS, {"decimal(38, 18)", "varchar[]"}),
}


@pytest.mark.parametrize("name", REFUSED_TYPES)
def test_a_usual_value_of_every_other_type_is_read(name: str) -> None:
    """Or the fuzz would have met refusals alone."""
    kinds, expected = REFUSED_TYPES[name]
    refused = set()
    for type_, values in kinds.items():
        row = {"customer_id": 1, "order_id": 1, "ordered_at": "2025-01-01", "amount": 10}
        row |= {name: values[0], "category": "Tea"}
        lines = Lines(USUAL | {name: type_}, [tuple(row.values())])
        with loaded(lines) as connection:
            try:
                judged_and_read(connection, lines)
            except Refused:
                refused.add(type_)
    assert refused == expected


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
