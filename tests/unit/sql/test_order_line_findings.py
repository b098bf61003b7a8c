"""The judge of order lines finds what cannot be or is odd, counts it, and says nothing of lines that are right."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from warehouse_seg.sql.rendering import render

pytestmark = pytest.mark.both_duckdb

COLUMNS = {name: name for name in ("customer_id", "order_id", "ordered_at", "amount", "category")}

SHOP = """
create table lines as
select
    'c' || (i % 50) as customer_id,
    'o' || (i // 2) * 50 + i % 50 as order_id,
    timestamp '2025-01-01' + to_days(cast(i // 10 as integer)) + to_minutes(i % 7) as ordered_at,
    cast(1 + i % 13 + i / 1000 as decimal(12, 2)) as amount,
    case when i % 3 = 0 then 'Tea' else 'Coffee' end as category
from range(1000) t(i)
"""


def findings(
    *changes: str,
    types: dict[str, str] | None = None,
    decimals: int = 2,
    as_of_date: str | None = None,
    **columns: str,
) -> dict[str, tuple[str, str, int]]:
    """Check → severity, column and number of lines, after these statements have changed the shop's lines."""
    with duckdb.connect() as connection:
        connection.execute(SHOP)
        for change in changes:
            connection.execute(change)
        described = connection.execute("describe lines").fetchall()
        query = render(
            "seg_order_line_findings",
            "lines",
            COLUMNS | columns,
            {name: str(type_).lower() for name, type_, *_ in described} | (types or {}),
            decimals,
            "error",
            "UTC",
            as_of_date,
            "duckdb",
        )
        rows = connection.execute(query).fetchall()
    for _, _, column, lines, message in rows:
        assert message.startswith(f"{lines} order lines ")
        assert column in COLUMNS
        assert column in message or "Remove the copies" in message
    return {check: (severity, column, lines) for check, severity, column, lines, _ in rows}


def altered(column: str, type_: str, expression: str | None = None) -> str:
    return f"alter table lines alter {column} set data type {type_}" + (
        f" using {expression}" if expression else ""
    )


def test_nothing_is_said_of_lines_that_are_right() -> None:
    assert findings() == {}


def test_an_empty_table_is_no_finding_of_lines() -> None:
    assert findings("delete from lines") == {}


PLACEHOLDERS = {
    "the first day of 1900": ("timestamp '1900-01-01'", "dates_before_1900"),
    "the year 1": ("timestamp '0001-01-01'", "dates_before_1900"),
    "a day before Christ": ("timestamp '0044-03-15 (BC)'", "dates_before_1900"),
    "zero of a spreadsheet": ("timestamp '1899-12-30'", "dates_before_1900"),
    "zero of Unix": ("timestamp '1970-01-01'", "dates_at_zero"),
    "an hour after zero of Unix": ("timestamp '1970-01-01 01:00:00'", "dates_at_zero"),
    "the last day": ("timestamp '9999-12-31'", "dates_after_2200"),
    "the last day of another system": ("timestamp '2262-04-11'", "dates_after_2200"),
    "no end": ("timestamp 'infinity'", "endless_dates"),
    "no beginning": ("timestamp '-infinity'", "endless_dates"),
}


@pytest.mark.parametrize(("day", "check"), PLACEHOLDERS.values(), ids=PLACEHOLDERS)
def test_a_day_that_stands_for_no_day_is_refused(day: str, check: str) -> None:
    change = f"update lines set ordered_at = {day} where order_id in ('o0', 'o1', 'o2')"
    found = findings(change)
    lines = found[check][2]
    assert found == {check: ("error", "ordered_at", lines)}
    assert lines > 0


def test_the_shop_of_1971_has_no_placeholders() -> None:
    """A day before 1970 is a day: only the days that stand for none are refused."""
    assert findings("update lines set ordered_at = ordered_at - interval 66 year") == {}


@pytest.mark.parametrize(
    ("as_of_date", "checks"), [(None, {"far_future"}), ("2026-01-01", set())], ids=["open", "set"]
)
def test_a_few_lines_far_ahead_are_told_unless_the_day_is_set(
    as_of_date: str | None, checks: set[str]
) -> None:
    change = "update lines set ordered_at = timestamp '2031-05-05' where order_id = 'o0'"
    assert set(findings(change, as_of_date=as_of_date)) == checks


TEXTS = {
    "day first": "strftime(ordered_at, '%d/%m/%Y')",
    "month first": "strftime(ordered_at, '%m-%d-%y')",
    "a month's name": "strftime(ordered_at, '%d %b %Y')",
    "digits alone": "strftime(ordered_at, '%Y%m%d')",
    "an empty text": "''",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_that_engines_read_differently_is_refused(text: str) -> None:
    found = findings(altered("ordered_at", "varchar", text))
    assert found["text_dates"] == ("error", "ordered_at", 1000)


def test_text_that_begins_with_the_year_is_a_date() -> None:
    assert findings(altered("ordered_at", "varchar")) == {}


AMOUNTS = {
    "NaN": ("double", "'nan'::double", "amounts_not_finite"),
    "infinity": ("double", "'infinity'::double", "amounts_not_finite"),
    "minus infinity": ("double", "'-infinity'::double", "amounts_not_finite"),
    "a NaN of single precision": ("float", "'nan'::float", "amounts_not_finite"),
    "the text NaN": ("varchar", "'NaN'", "amounts_not_finite"),
}


@pytest.mark.parametrize(("type_", "amount", "check"), AMOUNTS.values(), ids=AMOUNTS)
def test_an_amount_that_is_no_number_is_refused(type_: str, amount: str, check: str) -> None:
    found = findings(
        altered("amount", type_), f"update lines set amount = {amount} where order_id = 'o0'"
    )
    assert found[check][:2] == ("error", "amount")


@pytest.mark.parametrize(
    ("expression", "decimals", "is_lost"),
    [
        ("amount / 1e8", 2, True),
        ("amount / 1e8", 10, False),
        ("amount + 0.004", 2, True),
        ("amount * 1e9", 2, False),
        ("cast(amount as double)", 2, False),
    ],
)
def test_money_that_rounding_would_lose_is_refused(
    expression: str, decimals: int, is_lost: bool
) -> None:
    change = altered("amount", "double", expression)
    assert set(findings(change, decimals=decimals)) == (
        {"amounts_rounded_away"} if is_lost else set()
    )


ODD: dict[str, tuple[str, str, str, int]] = {
    "empty customers": (
        "update lines set customer_id = '' where customer_id = 'c1'",
        "blank_customer_ids",
        "customer_id",
        20,
    ),
    "customers of white space": (
        "update lines set customer_id = chr(9) || ' ' where customer_id = 'c1'",
        "blank_customer_ids",
        "customer_id",
        20,
    ),
    "customers of a no-break space": (
        "update lines set customer_id = chr(160) where customer_id = 'c1'",
        "blank_customer_ids",
        "customer_id",
        20,
    ),
    "empty orders": (
        "update lines set order_id = '  ' where customer_id = 'c1'",
        "blank_order_ids",
        "order_id",
        20,
    ),
    "no order": (
        "update lines set order_id = null where customer_id = 'c1'",
        "without_order_id",
        "order_id",
        20,
    ),
    "an order number by day": (
        "update lines set order_id = cast(ordered_at as date)",
        "orders_of_several_customers",
        "order_id",
        1000,
    ),
    "no time": (
        "update lines set ordered_at = null where customer_id = 'c1'",
        "without_time",
        "ordered_at",
        20,
    ),
    "no amount": (
        "update lines set amount = null where customer_id = 'c1'",
        "without_amount",
        "amount",
        20,
    ),
    "amounts with the sign of a ledger": (
        "update lines set amount = -amount",
        "nothing_paid",
        "amount",
        1000,
    ),
    "a load that ran twice": (
        "insert into lines select * from lines where ordered_at < timestamp '2025-01-11'",
        "loaded_twice",
        "ordered_at",
        200,
    ),
    "a load that ran three times": (
        "insert into lines select lines.* from lines cross join range(2)",
        "loaded_twice",
        "ordered_at",
        3000,
    ),
    "a key of the order": (
        "update lines set customer_id = order_id",
        "one_order_each",
        "customer_id",
        1000,
    ),
}


@pytest.mark.parametrize(("change", "check", "column", "lines"), ODD.values(), ids=ODD)
def test_what_is_odd_is_counted_and_told(change: str, check: str, column: str, lines: int) -> None:
    assert findings(change) == {check: ("warn", column, lines)}


def test_items_scanned_one_by_one_are_no_double_load() -> None:
    """Half of a grocer's lines can have a twin: only a day without a single line looks loaded twice."""
    assert findings("insert into lines select * from lines where minute(ordered_at) <> 1") == {}


def test_the_columns_are_expressions() -> None:
    found = findings(
        customer_id="nullif(customer_id, 'c1')",
        amount="case when customer_id <> 'c2' then amount end",
    )
    assert found == {"without_amount": ("warn", "amount", 20)}


def test_every_odd_thing_of_a_table_is_told_at_once() -> None:
    found: dict[str, Any] = findings(
        "update lines set customer_id = ' ' where customer_id = 'c1'",
        "update lines set ordered_at = timestamp '1970-01-01' where customer_id = 'c2'",
        "update lines set amount = null where customer_id = 'c3'",
    )
    assert set(found) == {"blank_customer_ids", "dates_at_zero", "without_amount"}
