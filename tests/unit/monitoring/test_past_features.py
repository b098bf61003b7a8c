"""The features of many dates in one pass are those that each date has by itself, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.monitoring import past_features
from warehouse_seg.monitoring.grid import grid
from warehouse_seg.monitoring.past_features import OrderLines, PastFeatures
from warehouse_seg.settings import Period
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

pytestmark = pytest.mark.both_duckdb


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Of these tests alone: they leave tables in it."""
    with duckdb.connect() as connection:
        yield connection


DATES = grid(date(2024, 1, 1), date(2024, 12, 31), Period.MONTH)
CATEGORIES = (Category(category="tea", column_suffix="tea"),)


def load_lines(database: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Order lines with all that makes histories hard: orders over several days, money back for an order of last month,
    lines without order, customer, day or category, orders that are free, customers who only bring back.
    """
    random = np.random.default_rng(seed)
    size = 1500
    orders = random.integers(0, 400, size)
    started = pd.Timestamp("2023-10-01") + pd.to_timedelta(random.integers(0, 440, 400), unit="D")
    later = random.choice([0, 0, 0, 1, 20, 70], size)
    frame = pd.DataFrame(
        {
            "customer_id": pd.array(orders % 60, dtype="Int64"),
            "order_id": pd.array(orders, dtype="Int64"),
            "ordered_at": started[orders] + pd.to_timedelta(later, unit="D"),
            "amount": random.choice([9.99, 20.0, 0.0, -9.99, -20.0, 1e6], size),
            "category": random.choice(["tea", "mugs", "unknown"], size),
        }
    )
    frame["amount"] = frame["amount"].where(frame["customer_id"] != 7, -5.0)
    for name, share in (("customer_id", 0.02), ("order_id", 0.1), ("ordered_at", 0.02)):
        frame.loc[random.random(size) < share, name] = pd.NA
    database.register("frame", frame)
    database.execute(
        "create or replace temp table order_lines as "
        "select * replace (cast(amount as decimal(18, 2)) as amount) from frame"
    )


def model(*names: str) -> SegmentModel:
    """A model with these features; its numbers play no part."""
    size = len(names)
    return SegmentModel(
        covariance_type="full",
        features=tuple(Feature(feature=name, transform="identity") for name in names),
        components=(Component.from_covariance("s1", 1.0, np.zeros(size), np.eye(size), "All"),),
        categories=CATEGORIES,
    )


def in_one_pass(
    warehouse: Warehouse, lines: OrderLines, dates: Sequence[date], *names: str
) -> pd.DataFrame:
    features = PastFeatures(warehouse, lines, model(*names))
    frames = [
        pd.DataFrame(warehouse.rows(f"select customer_id, as_of_date, {columns} from ({query})"))
        for columns in [", ".join(features.columns)]
        for _, query in features.of_dates(dates)
    ]
    return in_order(pd.concat(frames))


def date_by_date(
    warehouse: Warehouse, lines: OrderLines, dates: Sequence[date], columns: Sequence[str]
) -> pd.DataFrame:
    categories = [category.model_dump() for category in CATEGORIES]
    queries = [
        render(
            "seg_past_features",
            lines.relation,
            lines.has_categories,
            categories if lines.has_categories else [],
            str(day),
            "duckdb",
        )
        for day in dates
    ]
    names = ", ".join(["customer_id", "as_of_date", *columns])
    frames = [pd.DataFrame(warehouse.rows(f"select {names} from ({query})")) for query in queries]
    return in_order(pd.concat(frames))


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["as_of_date", "customer_id"]).reset_index(drop=True)


@pytest.mark.parametrize("rows_at_once", [1, 200, 2_000_000])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("has_categories", "names"),
    [
        (True, ("recency_days", "spend_tea", "share_other", "category_entropy")),
        (True, ("recency_days", "order_count")),
        (False, ("recency_days", "days_between_orders")),
    ],
)
def test_one_pass_gives_what_each_date_gives(
    database: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    rows_at_once: int,
    seed: int,
    has_categories: bool,
    names: tuple[str, ...],
) -> None:
    monkeypatch.setattr(past_features, "ROWS_AT_ONCE", rows_at_once)
    load_lines(database, seed)
    warehouse = Warehouse(DuckDB(database))
    lines = OrderLines("order_lines", has_categories, Period.MONTH)
    # Some dates are there already, as after an interruption.
    dates = [day for number, day in enumerate(DATES) if number not in (3, 4, 8)]

    once = in_one_pass(warehouse, lines, dates, *names)
    columns = [str(name) for name in once if name not in ("customer_id", "as_of_date")]
    each = date_by_date(warehouse, lines, dates, columns)

    of_categories = {name for name in columns if "tea" in name}
    assert bool(of_categories) == ("spend_tea" in names)
    counted = columns if of_categories else [n for n in columns if not n.startswith("category_")]
    shown = ["customer_id", "as_of_date", *counted]
    pd.testing.assert_frame_equal(once[shown], each[shown], check_exact=True)
    assert len(once) > 300
    assert once["as_of_date"].nunique() == len(dates)


def test_lines_before_a_day_are_counted(database: duckdb.DuckDBPyConnection) -> None:
    load_lines(database, 1)
    by_day = OrderLines("order_lines", True, Period.MONTH).by_day(Warehouse(DuckDB(database)))
    for day in (date(2020, 1, 1), *DATES, date(2030, 1, 1)):
        query = render("seg_count_order_lines", "order_lines", str(day), "duckdb")
        assert [(by_day.before(day),)] == database.execute(query).fetchall()
