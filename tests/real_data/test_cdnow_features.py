"""CDNOW as Fader and Hardie published it: our features of 1997-09-30 against theirs, customer by customer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.process_runner import dbt
from tests.real_data.project import Project

DAYS_PER_WEEK = 7
ROUNDING = 0.005 + 1e-9
"""The published numbers have two decimals."""


@pytest.fixture(scope="module")
def september(install: Callable[[str, Path], Project], data_folder: Path) -> Project:
    """The features of the whole cohort at the end of 1997-09-30; as_of_date is the first day that is not seen."""
    project = install("cdnow", data_folder / "cdnow")
    project.call(dbt, "build", "--select", "+seg_customer_features", as_of_date="1997-10-01")
    return project


@pytest.fixture(scope="module")
def sample(september: Project) -> pd.DataFrame:
    """Our features of the 2,357 customers of the published sample, with their number in it as index."""
    lines = pd.read_csv(
        september.data / "CDNOW_sample.txt.gz",
        sep=r"\s+",
        names=["customer_id", "ID", "date", "number_of_cds", "dollar_value"],
    )
    numbers = lines[["customer_id", "ID"]].drop_duplicates()
    features = september.table("from seg_customer_features").merge(numbers, on="customer_id")
    return features.set_index("ID").sort_index()


@pytest.fixture(scope="module")
def published(september: Project) -> pd.DataFrame:
    file = september.data / "cdnow_customers_summary_with_transactions.csv"
    return pd.read_csv(file, index_col="ID").sort_index()


def test_both_published_files_say_the_same(september: Project, published: pd.DataFrame) -> None:
    shorter = pd.read_csv(september.data / "cdnow_customers_summary.csv", index_col="ID")
    renamed = published.rename(columns={"x": "frequency", "t_x": "recency"})
    pd.testing.assert_frame_equal(shorter.sort_index(), renamed[list(shorter.columns)])


def test_every_published_customer_has_features(
    sample: pd.DataFrame, published: pd.DataFrame
) -> None:
    assert len(published) == 2_357
    assert list(sample.index) == list(published.index)


def test_frequency_is_orders_but_the_first(sample: pd.DataFrame, published: pd.DataFrame) -> None:
    """Their frequency counts *repeat* purchases, one a day at most; our order_count counts all of them."""
    np.testing.assert_array_equal(sample.order_count - 1, published.x)


def test_recency_of_the_books_is_tenure_without_ours(
    sample: pd.DataFrame, published: pd.DataFrame
) -> None:
    """One word, two measures.

    In buy-till-you-die models "recency" is a customer's age at the last purchase: first to last purchase, large for
    somebody who bought lately. Our recency_days is what marketing calls recency: last purchase to as_of_date, small for
    somebody who bought lately. Tenure (first purchase to as_of_date) is the sum of the two.
    """
    first_to_last = sample.tenure_days - sample.recency_days
    np.testing.assert_allclose(first_to_last / DAYS_PER_WEEK, published.t_x, rtol=0, atol=ROUNDING)


def test_tenure_is_their_t_and_a_day(sample: pd.DataFrame, published: pd.DataFrame) -> None:
    """Their T ends on the last day that is seen, 1997-09-30; our as_of_date is the day after it."""
    to_last_day = sample.tenure_days - 1
    np.testing.assert_allclose(to_last_day / DAYS_PER_WEEK, published["T"], rtol=0, atol=ROUNDING)


def test_gap_between_orders_is_their_recency_over_frequency(
    sample: pd.DataFrame, published: pd.DataFrame
) -> None:
    repeated = published.x > 0
    gaps = sample.days_between_orders
    assert (gaps.notna() == repeated).all()
    weeks = (gaps * published.x / DAYS_PER_WEEK)[repeated]
    np.testing.assert_allclose(weeks, published.t_x[repeated], rtol=0, atol=ROUNDING)


def test_spend_but_for_the_first_order_is_their_zbar(
    september: Project, sample: pd.DataFrame, published: pd.DataFrame
) -> None:
    """Their zbar is the mean value of repeat purchases; our net_spend holds the first one as well."""
    first_orders = september.table(
        """
        select lines.customer_id, sum(lines.amount) as amount
        from stg_seg__transactions as lines
        join seg_customer_features as features using (customer_id)
        where lines.ordered_at = features.as_of_date - features.tenure_days
        group by lines.customer_id
        """
    ).set_index("customer_id")
    of_first_order = sample.customer_id.map(first_orders.amount)
    repeats = np.maximum(sample.order_count - 1, 1)
    zbar: pd.Series[float] = (sample.net_spend - of_first_order) / repeats
    np.testing.assert_allclose(zbar, published.zbar, rtol=0, atol=ROUNDING)
