"""Customers of an invented shop, as a table of eight features: what the benchmarks score and fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tools.benchmarks.measuring import Connection, run

CHUNK_ROWS = 1_000_000

FEATURES = (
    "recency_days",
    "order_count",
    "average_order_value",
    "net_spend",
    "tenure_days",
    "category_count",
    "category_entropy",
    "age",
)
KEYS = ("customer_id", "as_of_date")


def customers(rows: int, first_id: int, seed: int, unknown_ages: float) -> dict[str, NDArray[Any]]:
    """Order histories of a shop with eight types of customers, half of whom buy once.

    unknown_ages: the share of those that did not give their age
    """
    rng = np.random.default_rng(seed)
    kind = rng.integers(8, size=rows)
    orders = np.where(rng.random(rows) < 0.5, 1, rng.geometric(0.6 / (1 + kind), rows))
    gaps = np.round(rng.gamma(2.0, 5.0 + 8.0 * (kind % 4), rows), 1) + 0.5
    recency = rng.exponential(30.0 + 40.0 * (kind % 3), rows).astype(np.int32) + 1
    average = np.round(rng.lognormal(3.0 + 0.2 * kind, 0.6, rows), 2)
    refunded = np.round(average * rng.exponential(0.5, rows) * (rng.random(rows) < 0.05), 2)
    categories = np.minimum(rng.geometric(0.5, rows), orders)
    is_known = rng.random(rows) >= unknown_ages
    return {
        "customer_id": np.arange(first_id, first_id + rows),
        "as_of_date": np.full(rows, np.datetime64("2026-01-01")),
        "recency_days": recency,
        "order_count": orders.astype(np.int32),
        "net_spend": np.round(orders * average - refunded, 2),
        "average_order_value": average,
        "tenure_days": recency + (gaps * (orders - 1)).astype(np.int32),
        "category_count": categories.astype(np.int32),
        "category_entropy": np.log(categories) * rng.beta(8.0, 2.0, rows),
        "age": np.where(is_known, rng.integers(18, 90, rows), np.nan),
    }


def write_customers(connection: Connection, table: str, rows: int, unknown_ages: float) -> None:
    """A table of so many customers."""
    for start in range(0, rows, CHUNK_ROWS):
        columns = customers(min(CHUNK_ROWS, rows - start), start + 1, start, unknown_ages)
        # from_pandas: what was not measured is NULL in a warehouse; NumPy has only NaN for it.
        chunk = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
        connection.register("chunk", pa.table(chunk))
        verb = f"insert into {table}" if start else f"create table {table} as"
        run(connection, f"{verb} select * from chunk")
