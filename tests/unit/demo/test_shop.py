"""The demo's shop is the shop that its page promises, and every promise would notice the fault that breaks it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from warehouse_seg.demo import baskets, habits, orders, refunds, season, shop
from warehouse_seg.demo.customer_types import AGE_BANDS, CATEGORIES, CUSTOMER_TYPES
from warehouse_seg.demo.shop import DEFAULT_CUSTOMERS, DEFAULT_SEED, Shop, generate_shop
from warehouse_seg.errors import UsageError

CUSTOMERS = 5_000
SEED = 7

Promise = Callable[[Shop], None]


@pytest.fixture(scope="module")
def small_shop() -> Shop:
    return generate_shop(CUSTOMERS, SEED)


# ----------------------------------------------------------------------------- what the promises look at


def order_values(shop: Shop) -> pd.DataFrame:
    """Each order with its net cents, its smallest line, and whether it is a purchase (as the features count)."""
    lines = shop.raw_order_lines.groupby("order_id")["amount_cents"].agg(["sum", "min"])
    actual = shop.raw_orders.merge(lines, left_on="order_id", right_index=True)
    actual["is_purchase"] = (actual["sum"] > 0) | ((actual["sum"] == 0) & (actual["min"] >= 0))
    return actual


def purchase_counts(shop: Shop) -> pd.Series[int]:
    """Purchases of each customer; 0 where there are only refunds."""
    known = order_values(shop).dropna(subset=["customer_id"])
    return known.astype({"is_purchase": int}).groupby("customer_id")["is_purchase"].sum()


def customers_with_truth(shop: Shop) -> pd.DataFrame:
    """Recency, order count and average order value of customers with a purchase, beside their planted type."""
    purchases = order_values(shop).query("is_purchase and customer_id.notna()")
    behaviour = purchases.groupby("customer_id").agg(
        last=("ordered_at", "max"), order_count=("order_id", "size"), cents=("sum", "sum")
    )
    end = pd.Timestamp(season.LAST_DAY) + pd.Timedelta(days=1)
    behaviour["recency_days"] = (end - behaviour["last"].dt.normalize()).dt.days
    behaviour["average_order_value"] = behaviour["cents"] / behaviour["order_count"] / 100
    return behaviour.merge(shop.demo_customer_truth, on="customer_id")


def orders_by_month(shop: Shop) -> pd.Series[int]:
    months: pd.Series[int] = shop.raw_orders["ordered_at"].dt.month.value_counts()
    return months


# ----------------------------------------------------------------------------- the promises


def half_of_the_customers_buy_once(shop: Shop) -> None:
    assert 0.49 <= (purchase_counts(shop) == 1).mean() <= 0.53


def lines_of_an_order_are_negative_in_part(shop: Shop) -> None:
    actual = order_values(shop)
    assert ((actual["sum"] > 0) & (actual["min"] < 0)).mean() > 0.003


def some_orders_are_refunded_as_a_whole(shop: Shop) -> None:
    actual = order_values(shop)
    assert ((actual["sum"] == 0) & (actual["min"] < 0)).mean() > 0.003


def some_orders_are_cancelled_by_an_order_of_their_own(shop: Shop) -> None:
    cancellations = order_values(shop).dropna(subset=["cancels_order_id"])
    originals = shop.raw_orders.set_index("order_id").loc[cancellations["cancels_order_id"]]
    assert len(cancellations) > 0.003 * len(shop.raw_orders)
    assert (cancellations["sum"] <= 0).all()
    delay = cancellations["ordered_at"].to_numpy() - originals["ordered_at"].to_numpy()
    assert (delay > pd.Timedelta(0)).all()
    assert (delay < pd.Timedelta(days=22)).all()
    assert cancellations["customer_id"].to_list() == originals["customer_id"].to_list()


def few_customers_have_nothing_but_refunds(shop: Shop) -> None:
    without_purchase = (purchase_counts(shop) == 0).mean()
    assert 0 < without_purchase < 0.005
    worth = order_values(shop).groupby("customer_id")["sum"].sum()
    assert (worth < 0).any()


def guests_have_no_customer(shop: Shop) -> None:
    assert 0.005 < shop.raw_orders["customer_id"].isna().mean() < 0.05


def few_lines_are_loaded_twice(shop: Shop) -> None:
    assert 0 < shop.raw_order_lines.duplicated().mean() < 0.001


def some_lines_cost_nothing(shop: Shop) -> None:
    assert 0.002 < (shop.raw_order_lines["amount_cents"] == 0).mean() < 0.02


def amounts_have_a_heavy_tail(shop: Shop) -> None:
    """Orders at 15 times the median: a log-normal of this body has none, the Pareto a handful."""
    values = order_values(shop).query("sum > 0")["sum"]
    assert (values > 15 * values.median()).sum() >= 5
    assert values.max() < 300 * values.median()


def december_is_the_peak(shop: Shop) -> None:
    months = orders_by_month(shop)
    assert months.idxmax() == 12
    assert months[12] > 1.55 * months.median()


def summer_is_quiet(shop: Shop) -> None:
    months = orders_by_month(shop)
    assert months[[7, 8]].mean() < 0.7 * months[[5, 6, 9, 10]].mean()


def saturday_is_the_quietest_day(shop: Shop) -> None:
    days = shop.raw_orders["ordered_at"].dt.day_of_week.value_counts()
    assert days.idxmin() == 5
    assert days[[6, 0]].mean() > 1.25 * days[5]


def categories_have_very_different_sizes(shop: Shop) -> None:
    spend = (
        shop.raw_order_lines.merge(shop.raw_products, on="product_id")
        .groupby("category", observed=True)["amount_cents"]
        .sum()
    )
    assert set(spend.index) == set(CATEGORIES)
    assert spend.max() > 20 * spend.min()


def some_products_have_no_category(shop: Shop) -> None:
    assert 0 < shop.raw_products["category"].isna().mean() < 0.05


def one_customer_in_ten_is_a_blend(shop: Shop) -> None:
    truth = shop.demo_customer_truth
    is_blend = truth["second_customer_type"].notna()
    assert 0.08 < is_blend.mean() < 0.12
    assert truth.loc[is_blend, "second_share"].between(0.15, 0.5).all()
    assert (truth.loc[~is_blend, "second_share"] == 0).all()
    assert (truth["customer_type"] != truth["second_customer_type"]).all()


def types_behave_as_their_cards_say(shop: Shop) -> None:
    medians = (
        customers_with_truth(shop)
        .groupby("customer_type", observed=True)[
            ["recency_days", "order_count", "average_order_value"]
        ]
        .median()
    )
    for customer_type in CUSTOMER_TYPES:
        typical = medians.loc[customer_type.name]
        assert typical["recency_days"] == pytest.approx(customer_type.recency_days, rel=0.15)
        assert typical["order_count"] == pytest.approx(customer_type.order_count, rel=0.15)
        assert typical["average_order_value"] == pytest.approx(customer_type.basket_value, rel=0.15)


PROMISES: list[Promise] = [
    half_of_the_customers_buy_once,
    lines_of_an_order_are_negative_in_part,
    some_orders_are_refunded_as_a_whole,
    some_orders_are_cancelled_by_an_order_of_their_own,
    few_customers_have_nothing_but_refunds,
    guests_have_no_customer,
    few_lines_are_loaded_twice,
    some_lines_cost_nothing,
    amounts_have_a_heavy_tail,
    december_is_the_peak,
    summer_is_quiet,
    saturday_is_the_quietest_day,
    categories_have_very_different_sizes,
    some_products_have_no_category,
    one_customer_in_ten_is_a_blend,
    types_behave_as_their_cards_say,
]


@pytest.mark.parametrize("promise", PROMISES)
def test_shop_keeps_its_promise(small_shop: Shop, promise: Promise) -> None:
    promise(small_shop)


# ----------------------------------------------------------------------------- faults that they would notice

EVERYTHING_EVERYWHERE = tuple(
    replace(
        customer_type,
        basket=dict.fromkeys(CATEGORIES, 1),
        share_of_customers=1 / len(CUSTOMER_TYPES),
    )
    for customer_type in CUSTOMER_TYPES
)
BOUGHT_TWICE = tuple(
    replace(customer_type, order_count=2 * customer_type.order_count)
    for customer_type in CUSTOMER_TYPES
)
LATE = tuple(
    replace(customer_type, recency_days=1.5 * customer_type.recency_days)
    for customer_type in CUSTOMER_TYPES
)

FAULTS: list[tuple[Promise, object, str, object]] = [
    (half_of_the_customers_buy_once, habits, "CUSTOMER_TYPES", BOUGHT_TWICE),
    (lines_of_an_order_are_negative_in_part, refunds, "RETURNED_LINE_SHARE", 0),
    (some_orders_are_refunded_as_a_whole, refunds, "REFUNDED_ORDER_SHARES", (0, 0)),
    (some_orders_are_cancelled_by_an_order_of_their_own, refunds, "CANCELLED_ORDER_SHARES", (0, 0)),
    (some_orders_are_cancelled_by_an_order_of_their_own, refunds, "CANCELLED_WITHIN_DAYS", 900),
    (few_customers_have_nothing_but_refunds, refunds, "ONLY_REFUND_SHARE", 0.02),
    (guests_have_no_customer, shop, "GUESTS_PER_CUSTOMER", 0),
    (few_lines_are_loaded_twice, refunds, "DUPLICATE_LINE_SHARE", 0),
    (some_lines_cost_nothing, baskets, "SAMPLE_SHARE", 0),
    (amounts_have_a_heavy_tail, orders, "BULK_SHARE", 0),
    (december_is_the_peak, season, "gift_season", lambda: np.zeros(season.DAY_COUNT)),
    (summer_is_quiet, season, "MONTH_FACTORS", np.ones(12)),
    (saturday_is_the_quietest_day, season, "WEEKDAY_FACTORS", np.ones(7)),
    (categories_have_very_different_sizes, habits, "CUSTOMER_TYPES", EVERYTHING_EVERYWHERE),
    (one_customer_in_ten_is_a_blend, habits, "BLEND_SHARE", 0),
    (types_behave_as_their_cards_say, habits, "CUSTOMER_TYPES", LATE),
]


@pytest.mark.parametrize(("promise", "module", "name", "fault"), FAULTS)
def test_promise_notices_its_fault(
    promise: Promise, module: object, name: str, fault: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, fault)
    broken = generate_shop(CUSTOMERS, SEED)
    with pytest.raises(AssertionError):
        promise(broken)


# ----------------------------------------------------------------------------- tables


def test_truth_and_accounts_cover_every_customer_once(small_shop: Shop) -> None:
    buyers = small_shop.raw_orders["customer_id"].dropna().unique()
    for table in (small_shop.demo_customer_truth, small_shop.raw_customers):
        assert table["customer_id"].is_unique
        assert set(table["customer_id"]) == set(buyers)
        assert len(table) == CUSTOMERS


def test_types_have_their_shares_to_the_customer(small_shop: Shop) -> None:
    counts = small_shop.demo_customer_truth["customer_type"].value_counts()
    assert sum(
        customer_type.share_of_customers for customer_type in CUSTOMER_TYPES
    ) == pytest.approx(1)
    for customer_type in CUSTOMER_TYPES:
        assert counts[customer_type.name] == pytest.approx(
            customer_type.share_of_customers * CUSTOMERS, abs=1
        )


def test_tables_join_without_loss(small_shop: Shop) -> None:
    lines = small_shop.raw_order_lines
    assert set(lines["order_id"]) == set(small_shop.raw_orders["order_id"])
    assert set(lines["product_id"]) <= set(small_shop.raw_products["product_id"])
    assert small_shop.raw_orders["order_id"].is_unique
    assert small_shop.raw_products["product_id"].is_unique
    assert small_shop.raw_products["product_name"].is_unique
    assert not lines.drop_duplicates().duplicated(["order_id", "line_number"]).any()
    assert small_shop.raw_customers["age_band"].dropna().isin(AGE_BANDS).all()


@pytest.mark.parametrize("customers", [100, 101, 999])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_days_are_two_years_that_end_on_the_fixed_day(customers: int, seed: int) -> None:
    orders = generate_shop(customers, seed).raw_orders
    assert orders["ordered_at"].is_monotonic_increasing
    known = orders.dropna(subset=["customer_id"])
    assert known["ordered_at"].max().date() == season.LAST_DAY
    assert orders["ordered_at"].max().date() == season.LAST_DAY
    assert orders["ordered_at"].min() >= pd.Timestamp("2024-07-01")


def test_an_amount_is_a_quantity_of_a_price(small_shop: Shop) -> None:
    lines = small_shop.raw_order_lines.merge(small_shop.raw_products, on="product_id")
    paid = lines[lines["amount_cents"] != 0]
    reduction = paid["amount_cents"] / (paid["quantity"] * paid["list_price_cents"])
    steps = np.array([1.0, 0.9, 0.8, 0.75, 0.5])
    assert np.abs(reduction.to_numpy()[:, np.newaxis] - steps).min(axis=1).max() < 0.01


@pytest.mark.parametrize(("customers", "seed"), [(99, 1), (-5, 1), (100, -1)])
def test_too_small_a_shop_is_refused(customers: int, seed: int) -> None:
    with pytest.raises(UsageError, match=f"found {customers} customers and seed {seed}"):
        generate_shop(customers, seed)


# ----------------------------------------------------------------------------- the same seed, the same shop


def digest(shop: Shop) -> str:
    text = "".join(table.to_csv() for table in shop.tables().values())
    return sha256(text.encode()).hexdigest()


DIGEST_PROGRAM = """
from hashlib import sha256
from warehouse_seg.demo.shop import generate_shop
text = "".join(table.to_csv() for table in generate_shop(500, 3).tables().values())
print(sha256(text.encode()).hexdigest())
"""


def test_same_seed_same_bytes_in_another_process_with_one_thread() -> None:
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DIGEST_PROGRAM]
    printed = subprocess.run(command, env=one_thread, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == digest(generate_shop(500, 3))


def test_other_seed_other_shop() -> None:
    assert digest(generate_shop(500, 3)) != digest(generate_shop(500, 4))


def test_a_step_reads_only_its_own_numbers(
    small_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another refund policy leaves every sale as it was: each step has a stream of its own."""
    monkeypatch.setattr(refunds, "CANCELLED_ORDER_SHARES", (0, 0))
    other = generate_shop(CUSTOMERS, SEED)
    pd.testing.assert_frame_equal(other.raw_customers, small_shop.raw_customers)
    pd.testing.assert_frame_equal(other.demo_customer_truth, small_shop.demo_customer_truth)
    sales = [table.raw_orders.query("cancels_order_id.isna()") for table in (other, small_shop)]
    for column in ("customer_id", "ordered_at"):
        assert sales[0][column].to_list() == sales[1][column].to_list()


def test_default_shop_is_the_size_that_is_promised() -> None:
    default = generate_shop()
    assert (DEFAULT_CUSTOMERS, DEFAULT_SEED) == (60_000, 20_260_630)
    assert len(default.demo_customer_truth) == DEFAULT_CUSTOMERS
    assert 900_000 < len(default.raw_order_lines) < 1_200_000
    half_of_the_customers_buy_once(default)
