"""A family, grocery and household web shop, drawn from a seed.

    habits ──► orders ──► baskets ──► refunds ──► tables
    (truth)    (days)     (lines)

The habits of every customer are drawn first and the orders carry them out, so what a segmentation should find is
known: `demo_customer_truth`. The awkward things of real order lines are there on purpose: refunds of three kinds,
guests without a customer, lines loaded twice, free samples, products without a category, bulk purchases, two
Christmases. Nothing here touches a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from warehouse_seg.demo.assortment import Assortment, draw_assortment
from warehouse_seg.demo.baskets import Lines, fill_baskets
from warehouse_seg.demo.customer_types import AGE_BANDS, CATEGORIES, CUSTOMER_TYPES
from warehouse_seg.demo.habits import Habits, draw_habits
from warehouse_seg.demo.orders import Orders, draw_orders
from warehouse_seg.demo.refunds import Booked, book_refunds, with_duplicates
from warehouse_seg.demo.season import FIRST_DAY
from warehouse_seg.demo.streams import random_stream
from warehouse_seg.errors import UsageError

DEFAULT_CUSTOMERS = 60_000
DEFAULT_SEED = 20_260_630
SMALLEST_SHOP = 100
GUESTS_PER_CUSTOMER = 0.05

FIRST_CUSTOMER_ID = 100_001
FIRST_ORDER_ID = 5_000_001
FIRST_PRODUCT_ID = 1_001

COUNTRIES = ("DE", "FR", "NL", "AT", "IT", "BE", "ES")
COUNTRY_SHARES = (0.36, 0.17, 0.14, 0.11, 0.09, 0.08, 0.05)
UNKNOWN_AGE_SHARE = 0.08
NEWSLETTER_SHARE = 0.55

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Shop:
    """The tables of the shop, as a loader would leave them, and what is true of its customers.

    Money is in whole cents here (`amount_cents`, `list_price_cents`), names are categories of pandas.
    """

    raw_orders: pd.DataFrame
    raw_order_lines: pd.DataFrame
    raw_products: pd.DataFrame
    raw_customers: pd.DataFrame
    demo_customer_truth: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table under its name."""
        return dict(vars(self))


def generate_shop(customers: int = DEFAULT_CUSTOMERS, seed: int = DEFAULT_SEED) -> Shop:
    """The same shop for the same number of customers and seed, to the last byte.

    Every customer has at least one line; 60,000 customers have about a million. NumPy keeps its random streams
    within a release series, so another NumPy may draw a slightly other shop.

    Raises UsageError for fewer than 100 customers, of which some planted types would be a handful, and for a seed
    below 0.
    """
    if customers < SMALLEST_SHOP or seed < 0:
        raise UsageError(
            f"found {customers} customers and seed {seed}; a shop needs at least {SMALLEST_SHOP} customers "
            "and a seed of 0 or more. Give others"
        )
    habits = draw_habits(customers, round(customers * GUESTS_PER_CUSTOMER), seed)
    assortment = draw_assortment(seed)
    sales = draw_orders(habits, seed)
    sold = fill_baskets(habits, sales, assortment, seed)
    booked = book_refunds(sales, sold, customers, seed)
    order_id = _chronological_ids(booked.orders)
    return Shop(
        raw_orders=_orders_table(booked, order_id, customers),
        raw_order_lines=_lines_table(booked.lines, order_id, seed),
        raw_products=_products_table(assortment),
        raw_customers=_customers_table(habits, sales, seed),
        demo_customer_truth=_truth_table(habits),
    )


def _chronological_ids(orders: Orders) -> IntArray:
    by_time = np.lexsort((orders.second, orders.day))
    order_id = np.empty(by_time.size, dtype=np.int64)
    order_id[by_time] = FIRST_ORDER_ID + np.arange(by_time.size)
    return order_id


def _orders_table(booked: Booked, order_id: IntArray, customers: int) -> pd.DataFrame:
    by_id = np.argsort(order_id)
    buyer, cancels = booked.orders.buyer[by_id], booked.cancels[by_id]
    day = (FIRST_DAY + booked.orders.day[by_id]).astype("datetime64[s]")
    return pd.DataFrame(
        {
            "order_id": order_id[by_id],
            "customer_id": _nullable(FIRST_CUSTOMER_ID + buyer, is_null=buyer >= customers),
            "ordered_at": day + booked.orders.second[by_id],
            "cancels_order_id": _nullable(order_id[cancels], is_null=cancels < 0),
        }
    )


def _lines_table(lines: Lines, order_id: IntArray, seed: int) -> pd.DataFrame:
    lines = lines.taken(np.argsort(order_id[lines.order], kind="stable"))
    ids = order_id[lines.order]
    first_line = np.searchsorted(ids, ids, side="left")
    table = pd.DataFrame(
        {
            "order_id": ids,
            "line_number": np.arange(ids.size) - first_line + 1,
            "product_id": FIRST_PRODUCT_ID + lines.product,
            "quantity": lines.quantity,
            "amount_cents": lines.amount_cents,
        }
    )
    return table.take(with_duplicates(ids.size, seed)).reset_index(drop=True)


def _products_table(assortment: Assortment) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "product_id": FIRST_PRODUCT_ID + np.arange(len(assortment.names)),
            "product_name": pd.Categorical(assortment.names),
            "category": _names(CATEGORIES, assortment.category_index),
            "list_price_cents": assortment.list_price_cents,
        }
    )


def _customers_table(habits: Habits, sales: Orders, seed: int) -> pd.DataFrame:
    random = random_stream(seed, "customers")
    count = habits.customer_count
    first_sale = np.unique(sales.buyer, return_index=True)[1][:count]
    reached = np.cumsum([customer_type.age_shares for customer_type in CUSTOMER_TYPES], axis=1)[
        :, :-1
    ]
    age = (random.random((count, 1)) >= reached[habits.type_index[:count]]).sum(axis=1)
    age[random.random(count) < UNKNOWN_AGE_SHARE] = -1
    return pd.DataFrame(
        {
            "customer_id": _customer_ids(count),
            "registered_on": (FIRST_DAY + sales.day[first_sale]).astype("datetime64[s]"),
            "country": _names(
                COUNTRIES, random.choice(len(COUNTRIES), size=count, p=COUNTRY_SHARES)
            ),
            "age_band": _names(AGE_BANDS, age),
            "newsletter": random.random(count) < NEWSLETTER_SHARE,
        }
    )


def _truth_table(habits: Habits) -> pd.DataFrame:
    names = [customer_type.name for customer_type in CUSTOMER_TYPES]
    count, types = habits.customer_count, habits.types
    return pd.DataFrame(
        {
            "customer_id": _customer_ids(count),
            "customer_type": _names(names, types.first[:count]),
            "second_customer_type": _names(names, types.second[:count]),
            "second_share": types.second_share[:count],
        }
    )


def _customer_ids(count: int) -> IntArray:
    return FIRST_CUSTOMER_ID + np.arange(count)


def _names(names: Sequence[str], index: IntArray) -> pd.Categorical[str]:
    """The name at each position; -1 is null."""
    return pd.Categorical.from_codes(index, categories=pd.Index(names))


def _nullable(values: IntArray, *, is_null: NDArray[np.bool_]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values, is_null)
