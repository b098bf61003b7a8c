"""The SQL of seg_segments and seg_segment_profiles, on customers whose numbers are added up by head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pytest

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.sql.rendering import render

pytestmark = pytest.mark.both_duckdb

NET_SPEND = {"relation": "features", "expression": "net_spend"}


def model_of_two() -> SegmentModel:
    components = tuple(
        Component.from_covariance(key, weight, np.zeros(1), np.eye(1), name)
        for key, weight, name in (("s1", 0.75, "Regulars"), ("s2", 0.25, "Others"))
    )
    features = (Feature(feature="net_spend"),)
    return SegmentModel(covariance_type="full", features=features, components=components)


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """Four customers; the last one's money is unknown, and only the first waits between orders."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table features as
            select *, date '2026-07-01' as as_of_date from (values
                (1, 100.10, 30.0, 0.25, 0.75),
                (2, 40.00, null, 0.50, 0.50),
                (3, 10.00, null, 0.75, 0.25),
                (4, null, null, 0.50, 0.50)
            ) as t(customer_id, net_spend, days_between_orders, share_tea, share_wine);
            create table scores as
            select *, date '2026-07-01' as as_of_date from (values
                (1, 1.0, 0.0), (2, 0.75, 0.25), (3, 0.25, 0.75), (4, 0.5, 0.5)
            ) as t(customer_id, membership_s1, membership_s2);
            create table customer_segments as
            select unnest([1, 2, 3, 4]) as customer_id, unnest(['s1', 's1', 's2', 's1']) as segment_key
            """
        )
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def sizes(
    connection: duckdb.DuckDBPyConnection, revenue: dict[str, str] | None = NET_SPEND
) -> dict[str, dict[str, Any]]:
    model = model_of_two().to_macro()
    query = render("seg_segment_sizes", model, "scores", "customer_segments", revenue, "duckdb")
    return {row["segment_key"]: row for row in rows(connection, query)}


def profiles(
    connection: duckdb.DuckDBPyConnection, *features: str
) -> dict[tuple[str, str], dict[str, Any]]:
    measures = [{"feature": feature, "shift": "0e0"} for feature in features]
    model = model_of_two().to_macro()
    query = render("seg_profiles", model, "features", "scores", measures, "duckdb")
    return {(row["segment_key"], row["feature"]): row for row in rows(connection, query)}


# ---------------------------------------------------------------------------------------------- segments


def test_sizes_and_money_of_blends_count_in_parts(shop: duckdb.DuckDBPyConnection) -> None:
    actual = sizes(shop)
    assert [
        (key, row["customers"], row["customer_share"], row["expected_customers"])
        for key, row in actual.items()
    ] == [("s1", 3, 0.75, 2.5), ("s2", 1, 0.25, 1.5)]
    # 100.10 + 30 + 2.50 and 10 + 7.50; the unknown money is nobody's.
    assert {key: row["revenue"] for key, row in actual.items()} == {"s1": 132.6, "s2": 17.5}
    assert actual["s1"]["revenue_share"] == 132.6 / 150.1
    assert actual["s2"]["revenue_share"] == 17.5 / 150.1


def test_money_is_summed_exactly(shop: duckdb.DuckDBPyConnection) -> None:
    """Ten dimes; as doubles they would be 0.9999999999999999."""
    shop.execute("delete from features; delete from scores")
    shop.execute("insert into scores select i, 1.0, 0.0, date '2026-07-01' from range(10) as t(i)")
    shop.execute(
        "insert into features select i, 0.1, null, 0, 0, date '2026-07-01' from range(10) as t(i)"
    )
    assert sizes(shop)["s1"]["revenue"] == 1.0


def test_any_expression_may_be_the_revenue(shop: duckdb.DuckDBPyConnection) -> None:
    actual = sizes(shop, NET_SPEND | {"expression": "coalesce(net_spend, 0) * 2 + 1"})
    assert {key: row["revenue"] for key, row in actual.items()} == {"s1": 267.7, "s2": 36.5}


def test_without_revenue_it_is_null_and_the_sizes_stay(shop: duckdb.DuckDBPyConnection) -> None:
    with_money, without = sizes(shop), sizes(shop, None)
    for key, row in without.items():
        assert (row["revenue"], row["revenue_share"]) == (None, None)
        same = ("segment_name", "weight", "customers", "customer_share", "expected_customers")
        assert [row[name] for name in same] == [with_money[key][name] for name in same]


@pytest.mark.parametrize("money", ["-net_spend", "0", "null", "cast('nan' as double)"])
def test_no_money_has_no_shares(shop: duckdb.DuckDBPyConnection, money: str) -> None:
    """Refunds that exceed purchases, nothing, or what is no number."""
    actual = sizes(shop, NET_SPEND | {"expression": money})
    assert {row["revenue_share"] for row in actual.values()} == {None}


def test_refunds_take_money_off_a_segment(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("update features set net_spend = -60 where customer_id = 3")
    actual = sizes(shop)
    assert actual["s2"]["revenue"] == -35.0
    assert actual["s2"]["revenue_share"] == -35 / (115.1 - 35)


def test_of_nobody_there_are_no_shares(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("delete from features; delete from scores; delete from customer_segments")
    for row in sizes(shop).values():
        assert (row["customers"], row["expected_customers"]) == (0, 0.0)
        assert {row[name] for name in ("customer_share", "revenue", "revenue_share")} == {None}


@pytest.mark.parametrize(
    "spends",
    [
        (100.0, 30.0, 10.0, 0.0),
        (100.1, 0.0, 0.0, 0.0),
        (-20.0, 500.0, 3.3, 1.0),
        (0.01, 0.01, 0.01, 0.01),
        (999.99, 1.0, 1.0, 333.33),
    ],
)
def test_shares_and_revenue_per_customer_multiply_up(
    shop: duckdb.DuckDBPyConnection, spends: tuple[float, ...]
) -> None:
    """Both sides by membership: no third figure comes out, here or in the profile."""
    for customer, spend in enumerate(spends, start=1):
        shop.execute("update features set net_spend = ? where customer_id = ?", [spend, customer])
    actual, means = sizes(shop), profiles(shop, "net_spend")
    total = sum(spends)
    each_of_all = total / len(spends)
    assert sum(row["expected_share"] for row in actual.values()) == pytest.approx(1)
    for key, row in actual.items():
        each = row["revenue_per_customer"]
        assert each * row["expected_customers"] == pytest.approx(row["revenue"])
        assert row["expected_share"] * each / each_of_all == pytest.approx(row["revenue_share"])
        assert each == pytest.approx(means[key, "net_spend"]["mean"], abs=1e-3)
    assert sum(
        row["expected_share"] * row["revenue_per_customer"] for row in actual.values()
    ) == pytest.approx(each_of_all)


def test_revenue_per_customer_is_null_without_revenue_or_customers(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    assert {row["revenue_per_customer"] for row in sizes(shop, None).values()} == {None}
    shop.execute("delete from features; delete from scores; delete from customer_segments")
    for row in sizes(shop).values():
        assert (row["expected_share"], row["revenue_per_customer"]) == (None, None)


# ---------------------------------------------------------------------------------------------- profiles


def test_ranks_follow_the_absolute_difference(shop: duckdb.DuckDBPyConnection) -> None:
    actual = profiles(shop, "share_tea", "net_spend", "share_wine")
    ranked = sorted(
        (row for (key, _), row in actual.items() if key == "s1"),
        key=lambda row: int(row["distinctiveness_rank"]),
    )
    assert [row["distinctiveness_rank"] for row in ranked] == [1, 2, 3]
    distances = [abs(row["z_score"]) for row in ranked]
    assert distances == pytest.approx(sorted(distances, reverse=True))


def test_equal_differences_are_ranked_by_name(shop: duckdb.DuckDBPyConnection) -> None:
    """The two shares sum to one, so that both lie equally far from the average."""
    for features in (["share_tea", "share_wine"], ["share_wine", "share_tea"]):
        actual = profiles(shop, *features)
        assert abs(actual["s1", "share_tea"]["z_score"]) == pytest.approx(
            abs(actual["s1", "share_wine"]["z_score"])
        )
        for key in ("s1", "s2"):
            assert actual[key, "share_tea"]["distinctiveness_rank"] == 1
            assert actual[key, "share_wine"]["distinctiveness_rank"] == 2


@pytest.mark.parametrize(("membership", "rank"), [(1.0, 1), (0.9, 2)])
def test_what_most_of_a_segment_lacks_comes_last(
    shop: duckdb.DuckDBPyConnection, membership: float, rank: int
) -> None:
    """Half of the segment waits between orders, then a little less than half."""
    shop.execute("update features set days_between_orders = 1 where customer_id = 3")
    shop.execute(f"update scores set membership_s1 = {membership} where customer_id = 1")
    actual = profiles(shop, "days_between_orders", "share_tea")
    gap, tea = actual["s1", "days_between_orders"], actual["s1", "share_tea"]
    assert abs(gap["z_score"]) > abs(tea["z_score"])
    assert (gap["distinctiveness_rank"], tea["distinctiveness_rank"]) == (rank, 3 - rank)


def test_a_constant_has_no_difference_and_comes_last(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("alter table features add column a_constant double default 7")
    actual = profiles(shop, "a_constant", "share_tea")
    assert actual["s1", "a_constant"]["z_score"] is None
    assert actual["s1", "a_constant"]["distinctiveness_rank"] == 2
