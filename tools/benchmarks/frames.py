"""The features of `seg_customer_features` from order lines in a Parquet file, as users of pandas and Polars write them.

The same rules: an order counts where money is left or where it was free of charge, shares are of positive spend. Two
are left out, which saves both libraries work: no line lacks an order_id here, and money is a double instead of a
decimal. Imports are put off, since Polars comes only with the benchmarks.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

CATEGORIES = 6
"""So many of the largest have columns of their own: the default of the variable `categories`."""


def suffix(category: str) -> str:
    """The end of a category's columns: the plain case of `seg_category_columns`."""
    return re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")


# ---------------------------------------------------------------------------------------------------------- Polars


def polars_features(lines: Path, result: Path) -> None:
    """Lazy and streaming, categories as such, each of the two aggregations of the lines made once."""
    import polars as pl

    seen = pl.scan_parquet(lines).with_columns(pl.col("category").cast(pl.Categorical))
    last = seen.select(pl.col("ordered_at").max()).collect(engine="streaming").item()
    as_of_date = last + datetime.timedelta(days=1)
    seen = seen.filter(pl.col("ordered_at") < as_of_date, pl.col("customer_id").is_not_null())
    customers, spend = pl.collect_all(
        [_polars_customers(seen), _polars_spend(seen)], engine="streaming"
    )
    wide = _polars_wide(spend.lazy(), _polars_largest(spend))
    _polars_joined(customers.lazy(), wide, as_of_date).sink_parquet(result)


def _polars_customers(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Lines → one row per customer: orders, money, the days of the first and the last."""
    import polars as pl

    net, smallest = pl.col("net_amount"), pl.col("smallest_amount")
    orders = (
        lines.group_by("customer_id", "order_id")
        .agg(
            first_line_on=pl.col("ordered_at").min(),
            last_line_on=pl.col("ordered_at").max(),
            net_amount=pl.col("amount").sum(),
            smallest_amount=pl.col("amount").min(),
        )
        .with_columns(
            purchased_on=pl.when((net > 0) | ((net == 0) & (smallest >= 0))).then("first_line_on")
        )
    )
    return orders.group_by("customer_id").agg(
        net_spend=pl.col("net_amount").sum(),
        order_count=pl.col("purchased_on").count(),
        first_order_on=pl.col("purchased_on").min(),
        last_order_on=pl.col("purchased_on").max(),
        first_line_on=pl.col("first_line_on").min(),
        last_line_on=pl.col("last_line_on").max(),
    )


def _polars_spend(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Lines → one row per customer and category."""
    import polars as pl

    spend = lines.group_by("customer_id", "category").agg(spend=pl.col("amount").sum())
    return spend.with_columns(positive=pl.col("spend").clip(lower_bound=0))


def _polars_largest(spend: pl.DataFrame) -> list[str]:
    import polars as pl

    totals = spend.group_by("category").agg(pl.col("spend").sum()).filter(pl.col("spend") > 0)
    largest = totals.sort("spend", descending=True)["category"].head(CATEGORIES)
    return [str(category) for category in largest]


def _polars_wide(spend: pl.LazyFrame, categories: list[str]) -> pl.LazyFrame:
    """Spend by category → one row per customer, a column of spend and one of its share for each category."""
    import polars as pl

    names = pl.col("category").cast(pl.String)
    parts = {suffix(category): names == category for category in categories}
    parts["other"] = ~names.is_in(categories)
    bought = pl.col("positive").filter(pl.col("positive") > 0)
    sums = spend.group_by("customer_id").agg(
        bought.len().alias("category_count"),
        bought.sum().alias("total"),
        (bought * bought.log()).sum().alias("spread"),
        *[pl.col("spend").filter(part).sum().alias(f"spend_{end}") for end, part in parts.items()],
        *[
            pl.col("positive").filter(part).sum().alias(f"share_{end}")
            for end, part in parts.items()
        ],
    )
    # The sum of share ln share, with share = positive / total.
    entropy = pl.col("total").log() - pl.col("spread") / pl.col("total")
    return sums.with_columns(
        pl.when(pl.col("total") > 0).then(entropy).otherwise(0.0).alias("category_entropy"),
        *[
            pl.when(pl.col("total") > 0)
            .then(pl.col(f"share_{end}") / pl.col("total"))
            .otherwise(0.0)
            .alias(f"share_{end}")
            for end in parts
        ],
    ).drop("total", "spread")


def _polars_joined(
    customers: pl.LazyFrame, wide: pl.LazyFrame, as_of_date: datetime.date
) -> pl.LazyFrame:
    import polars as pl

    today, orders = pl.lit(as_of_date), pl.col("order_count")
    last_seen = pl.coalesce("last_order_on", "last_line_on")
    first_seen = pl.coalesce("first_order_on", "first_line_on")
    between = (pl.col("last_order_on") - pl.col("first_order_on")).dt.total_days()
    return (
        customers.join(wide, on="customer_id", how="left")
        .with_columns(
            as_of_date=today,
            recency_days=(today - last_seen).dt.total_days(),
            tenure_days=(today - first_seen).dt.total_days(),
            average_order_value=pl.when(orders > 0)
            .then(pl.col("net_spend") / orders)
            .otherwise(0.0),
            days_between_orders=pl.when(orders > 1).then(between / (orders - 1)),
        )
        .drop("first_order_on", "last_order_on", "first_line_on", "last_line_on")
    )


# ---------------------------------------------------------------------------------------------------------- pandas


def pandas_features(lines: Path, result: Path) -> None:
    """Categories read as such and dates as numbers, groups unsorted, nothing row by row."""
    import pandas as pd

    seen = _pandas_lines(lines)
    as_of_date = seen["ordered_at"].max() + pd.Timedelta(days=1)
    customers = _pandas_customers(seen)
    wide = _pandas_wide(seen.groupby(["customer_id", "category"], observed=True)["amount"].sum())
    del seen
    _pandas_joined(customers, wide, as_of_date).to_parquet(result)


def _pandas_lines(path: Path) -> pd.DataFrame:
    from pyarrow import parquet

    table = parquet.read_table(path, read_dictionary=["category"])
    frame: pd.DataFrame = table.to_pandas(
        date_as_object=False, split_blocks=True, self_destruct=True
    )
    return frame


def _pandas_customers(lines: pd.DataFrame) -> pd.DataFrame:
    orders = lines.groupby(["customer_id", "order_id"], sort=False).agg(
        first_line_on=("ordered_at", "min"),
        last_line_on=("ordered_at", "max"),
        net_amount=("amount", "sum"),
        smallest_amount=("amount", "min"),
    )
    net, smallest = orders["net_amount"], orders["smallest_amount"]
    counts = (net > 0) | ((net == 0) & (smallest >= 0))
    orders["purchased_on"] = orders["first_line_on"].where(counts)
    return orders.groupby("customer_id").agg(
        net_spend=("net_amount", "sum"),
        order_count=("purchased_on", "count"),
        first_order_on=("purchased_on", "min"),
        last_order_on=("purchased_on", "max"),
        first_line_on=("first_line_on", "min"),
        last_line_on=("last_line_on", "max"),
    )


def _pandas_wide(spend: pd.Series[Any]) -> pd.DataFrame:
    """Spend by customer and category → one row per customer, one column of spend and one of its share per category."""
    import pandas as pd

    matrix = spend.unstack(fill_value=0)
    totals = matrix.sum()
    largest = totals[totals > 0].sort_values(ascending=False).index[:CATEGORIES]
    positive = matrix.clip(lower=0)
    total = positive.sum(axis=1)
    shares = positive.div(total.where(total > 0), axis=0).fillna(0.0)
    logs = np.log(shares.where(shares > 0, 1.0))
    columns = {
        "category_count": (positive > 0).sum(axis=1),
        "category_entropy": -(shares * logs).sum(axis=1),
    }
    for category in largest:
        columns[f"spend_{suffix(category)}"] = matrix[category]
        columns[f"share_{suffix(category)}"] = shares[category]
    others = matrix.columns.difference(largest)
    columns["spend_other"] = matrix[others].sum(axis=1)
    columns["share_other"] = shares[others].sum(axis=1)
    return pd.DataFrame(columns)


def _pandas_joined(
    customers: pd.DataFrame, wide: pd.DataFrame, as_of_date: pd.Timestamp
) -> pd.DataFrame:
    joined = customers.join(wide)
    last_seen = joined["last_order_on"].fillna(joined["last_line_on"])
    first_seen = joined["first_order_on"].fillna(joined["first_line_on"])
    orders = joined["order_count"]
    between = (joined["last_order_on"] - joined["first_order_on"]).dt.days
    joined = joined.assign(
        as_of_date=as_of_date,
        recency_days=(as_of_date - last_seen).dt.days,
        tenure_days=(as_of_date - first_seen).dt.days,
        average_order_value=(joined["net_spend"] / orders.where(orders > 0)).fillna(0.0),
        days_between_orders=between / (orders - 1).where(orders > 1),
    )
    seen = ["first_order_on", "last_order_on", "first_line_on", "last_line_on"]
    return joined.drop(columns=seen).reset_index()
