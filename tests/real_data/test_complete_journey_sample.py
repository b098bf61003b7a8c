"""Every fifth household of Complete Journey: the features reconcile with figures that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.process_runner import dbt
from tests.real_data.project import Project

LARGEST_DEPARTMENTS = {
    "GROCERY": Decimal("448206.04"),
    "DRUG GM": Decimal("123826.25"),
    "FUEL": Decimal("79337.86"),
    "PRODUCE": Decimal("63373.29"),
    "MEAT": Decimal("62937.20"),
    "MEAT-PCKGD": Decimal("46859.70"),
}


@pytest.fixture(scope="module")
def sample(install: Callable[[str, Path], Project], data_folder: Path) -> Project:
    project = install("complete_journey", data_folder / "complete_journey")
    project.call(dbt, "build", "--select", "+seg_customer_features")
    return project


@pytest.fixture(scope="module")
def features(sample: Project) -> pd.DataFrame:
    return sample.table("from seg_customer_features")


def test_lines_households_baskets_and_money(sample: Project) -> None:
    lines = sample.row("select count(*), sum(cast(amount as decimal(18, 2))) from order_lines")
    assert lines == (291_501, Decimal("925350.13"))
    households = sample.row(
        "select count(*), sum(order_count), sum(cast(net_spend as decimal(18, 2))) from seg_customer_rfm"
    )
    assert households == (493, 31_428, Decimal("925350.13"))


def test_largest_departments_have_columns_and_the_rest_is_other(features: pd.DataFrame) -> None:
    columns = [
        f"spend_{name.lower().replace(' ', '_').replace('-', '_')}" for name in LARGEST_DEPARTMENTS
    ]
    spend = [name for name in features.columns if name.startswith("spend_")]
    assert spend == [*columns, "spend_other"]
    money = features[columns].sum().round(2)
    assert [Decimal(str(amount)) for amount in money] == list(LARGEST_DEPARTMENTS.values())
    assert Decimal(str(round(features[spend].sum().sum(), 2))) == Decimal("925350.13")


def test_shares_of_a_household_sum_to_one(features: pd.DataFrame) -> None:
    shares = features.filter(like="share_")
    assert ((shares.sum(axis=1) - 1).abs() < 1e-12).all()


def test_lines_of_unknown_products_keep_their_money(sample: Project) -> None:
    """898 lines name a product that the product table does not have."""
    unknown = sample.row(
        """
        select
            count(*),
            sum(cast(amount as decimal(18, 4)))
            = (select sum(cast(spend as decimal(18, 4))) from seg_customer_category_spend where category = 'unknown')
        from stg_seg__transactions
        where category = 'unknown'
        """
    )
    assert unknown == (898, True)
