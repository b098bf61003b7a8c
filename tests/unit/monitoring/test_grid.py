"""The dates of the grid: Python and the engine agree on every day."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest

from warehouse_seg.monitoring.grid import date_before, grid, is_on_grid, period_start
from warehouse_seg.settings import Period
from warehouse_seg.sql.rendering import render

FIRST = date(2023, 12, 1)


@pytest.mark.both_duckdb
@pytest.mark.parametrize("period", Period)
def test_the_engine_has_the_same_first_days(
    database: duckdb.DuckDBPyConnection, period: Period
) -> None:
    days = [FIRST + timedelta(days=number) for number in range(800)]
    start = render("seg_period_start", "day", period, "duckdb")
    rows = database.execute(
        f"select cast(day as date), {start} from (select unnest(generate_series(date '{FIRST}', date '{days[-1]}', "
        "interval 1 day))::date as day)"
    ).fetchall()
    assert rows == [(day, period_start(day, period)) for day in days]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (Period.WEEK, ["2024-02-05", "2024-02-12"]),
        (Period.MONTH, ["2024-02-01"]),
        (Period.QUARTER, []),
        (Period.DAY, [f"2024-02-{day:02}" for day in range(1, 16)]),
    ],
)
def test_the_grid_has_the_first_days_inside(period: Period, expected: list[str]) -> None:
    assert [str(day) for day in grid(date(2024, 2, 1), date(2024, 2, 15), period)] == expected


def test_only_first_days_are_on_the_grid() -> None:
    days = [FIRST + timedelta(days=number) for number in range(400)]
    for period in Period:
        assert [d for d in days if is_on_grid(d, period)] == grid(days[0], days[-1], period)


@pytest.mark.parametrize("period", Period)
def test_neighbours_follow_each_other(period: Period) -> None:
    dates = grid(FIRST, date(2026, 1, 31), period)
    assert [date_before(day, period) for day in dates[1:]] == dates[:-1]
