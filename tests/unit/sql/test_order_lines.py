"""The SQL of the order lines: times with a zone, money of any type and size, blank keys, orders of rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from warehouse_seg.sql.rendering import render

pytestmark = pytest.mark.both_duckdb

COLUMNS: dict[str, str | None] = {
    "customer_id": "customer_id",
    "order_id": "order_id",
    "ordered_at": "ordered_at",
    "amount": "amount",
    "category": None,
}

SESSIONS = ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"]

CHANGES = {
    "an hour that is not there": ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
    "an hour that comes twice": ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
    "west of Greenwich": ("America/Los_Angeles", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "half an hour": ("Australia/Lord_Howe", datetime(2026, 4, 4, 12, tzinfo=UTC)),
    "an offset of a quarter": ("Asia/Kathmandu", datetime(2026, 1, 1, tzinfo=UTC)),
    "a day that was left out": ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),
    "long before any rule": ("Europe/Berlin", datetime(1925, 1, 1, tzinfo=UTC)),
}


def wall_clock(zone: str, expression: str = "ordered_at") -> str:
    return render("seg_wall_clock", expression, zone, "duckdb")


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize(("zone", "start"), CHANGES.values(), ids=CHANGES)
def test_a_time_with_a_zone_is_read_on_the_zones_clock(
    session: str, zone: str, start: datetime
) -> None:
    """Every quarter of an hour of the day on which clocks change, wherever the session is."""
    instants = [start + timedelta(minutes=15 * i) for i in range(4 * 24)]
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = '{session}'")
        connection.execute("create table lines (ordered_at timestamptz)")
        connection.executemany("insert into lines values (?)", [[i] for i in instants])
        read = connection.execute(f"select {wall_clock(zone)} from lines order by rowid").fetchall()
    clock = ZoneInfo(zone)
    assert [time for (time,) in read] == [
        instant.astimezone(clock).replace(tzinfo=None) for instant in instants
    ]


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("timestamp '2026-03-29 02:30:00'", "2026-03-29 02:30:00"),
        ("timestamp_s '2026-03-29 02:30:00'", "2026-03-29 02:30:00"),
        ("date '2026-03-29'", "2026-03-29 00:00:00"),
        ("'2026-03-29'", "2026-03-29 00:00:00"),
        ("'2026-03-29 02:30:00'", "2026-03-29 02:30:00"),
        ("null::timestamptz", None),
    ],
)
def test_a_time_without_a_zone_stays(session: str, literal: str, expected: str | None) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = '{session}'")
        query = f"select cast({wall_clock('Asia/Tokyo')} as varchar) from (select {literal} as ordered_at)"
        assert connection.execute(query).fetchall() == [(expected,)]


def sum_of(type_: str, amount: str, lines: int) -> Decimal:
    """Sum of so many equal amounts, as the features add them up."""
    decimals = int(render("seg_decimals_of_type", type_, "duckdb"))
    kept = render("seg_amount", "amount", type_, decimals)
    with duckdb.connect() as connection:
        connection.execute(
            f"create table lines as select cast('{amount}' as {type_}) as amount from range({lines})"
        )
        query = f"select cast(sum({kept}) as varchar) from lines"
        (total,) = connection.execute(query).fetchall()[0]
    return Decimal(total)


@pytest.mark.parametrize(
    ("type_", "amount"),
    {
        "tokens": ("decimal(18, 8)", "0.00000003"),
        "fuel": ("decimal(10, 3)", "1.859"),
        "ten decimals": ("decimal(38, 10)", "0.0000000001"),
        "rupiah in a whole number": ("bigint", "90000000000000"),
        "dong in a wide decimal": ("decimal(20, 0)", "99999999999999999999"),
        "rupiah in a floating-point number": ("double", "1500000.25"),
        "cents in a small whole number": ("integer", "-1999"),
        "a wide decimal": ("decimal(30, 2)", "12345678901234567890.12"),
    }.values(),
)
def test_money_adds_up_to_the_last_decimal(type_: str, amount: str) -> None:
    assert sum_of(type_, amount, 1001) == 1001 * Decimal(amount)


@pytest.mark.parametrize(
    ("key", "known"),
    {
        "empty": ("''", None),
        "spaces": ("'   '", None),
        "a tab and an end of line": ("chr(9) || chr(13) || chr(10)", None),
        "a no-break space": ("chr(160)", None),
        "NULL": ("null", None),
        "a name with blanks around it": ("' Ann '", " Ann "),
        "zero": ("0", 0),
        "a text of zero": ("'0'", "0"),
    }.values(),
)
def test_a_blank_key_is_nobodys(key: str, known: Any) -> None:
    with duckdb.connect() as connection:
        query = f"select {render('seg_known', 'id', 'duckdb')} from (select {key} as id)"
        assert connection.execute(query).fetchall() == [(known,)]


@pytest.mark.parametrize(
    "settings",
    [
        ["default_order = 'desc'"],
        ["default_null_order = 'nulls_first'"],
        ["default_order = 'desc'", "default_null_order = 'nulls_first'"],
        ["default_order = 'asc'", "default_null_order = 'nulls_first'"],
        ["default_null_order = 'nulls_last_on_asc_first_on_desc'"],
    ],
)
def test_the_largest_categories_are_the_same_whatever_order_is_the_default(
    settings: list[str],
) -> None:
    lines = """
    create table lines as
    select 'c' || cast(i % 7 as varchar) as category, cast(i % 7 % 3 as decimal(18, 4)) as spend from range(700) t(i)
    """

    def largest(settings: list[str]) -> list[Any]:
        with duckdb.connect() as connection:
            for setting in settings:
                connection.execute(f"set {setting}")
            connection.execute(lines)
            query = render("seg_largest_categories", "lines", 4, "duckdb")
            return connection.execute(query).fetchall()

    assert largest(settings) == largest([])
