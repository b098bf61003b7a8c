"""The whole job on five shops: `warehouse-seg run` in a dbt project, then its tables against the data.

Everything below the run is computed a second time, by pandas and NumPy, from the files or from the tables before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from tests.process_runner import dbt, warehouse_seg
from tests.real_data.project import Project
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.mixture import em
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.mixture.population_em import Population
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import TABLES
from warehouse_seg.warehouse.connection import connect

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]
Install = Callable[[str, Path], Project]

OF_CUSTOMERS = (
    "seg_customer_features",
    "seg_customer_scores",
    "seg_customer_segments",
    "seg_customer_memberships",
    "seg_customer_reasons",
)
OF_SUMS = ("seg_segments", "seg_segment_profiles")
"""Sums of doubles over all customers: threads add them up in no fixed order, which moves the last digits."""


@dataclass(frozen=True)
class Segmented:
    """A project after `warehouse-seg run`; its tables are in the order of customer_id.

    summary: what the run printed, read from its JSON
    """

    project: Project
    summary: dict[str, Any]

    @cached_property
    def features(self) -> pd.DataFrame:
        return self.rows("seg_customer_features")

    @cached_property
    def scores(self) -> pd.DataFrame:
        return self.rows("seg_customer_scores")

    @cached_property
    def segments(self) -> pd.DataFrame:
        return self.rows("seg_customer_segments")

    @cached_property
    def model(self) -> SegmentModel:
        with connect(self.project.warehouse, read_only=True) as warehouse:
            registry = Registry(warehouse, {name: name for name in TABLES}, "main")
            return registry.read(self.summary["model_version"])

    @cached_property
    def keys(self) -> list[str]:
        return [component.segment_key for component in self.model.components]

    @cached_property
    def memberships(self) -> pd.DataFrame:
        """One column per segment, named after its key."""
        columns = self.scores.filter(like="membership_")
        return columns.rename(columns=lambda name: name.removeprefix("membership_"))

    def rows(self, table: str) -> pd.DataFrame:
        """A whole table, in an order that does not depend on how it was written."""
        return self.project.table(f"from {table} order by all")


def segmented(project: Project) -> Segmented:
    return Segmented(project, json.loads(project.call(warehouse_seg, "run", "--json")))


class WholeJob:
    """What holds for every project after a run; the classes below give the `shop`."""

    def test_summary_is_what_the_warehouse_holds(self, shop: Segmented) -> None:
        assert shop.summary["customers"] == len(shop.features)
        assert shop.summary["tiers"] == shop.segments.action_tier.value_counts().to_dict()
        counted = {row["segment_key"]: row["customers"] for row in shop.summary["segments"]}
        assert counted == shop.segments.segment_key.value_counts().to_dict()

    @pytest.mark.parametrize("table", ["scores", "segments"])
    def test_every_customer_is_scored_exactly_once(self, shop: Segmented, table: str) -> None:
        scored: pd.DataFrame = getattr(shop, table)
        assert shop.features.customer_id.is_unique
        assert scored.customer_id.equals(shop.features.customer_id)
        assert scored.as_of_date.equals(shop.features.as_of_date)

    def test_memberships_are_probabilities(self, shop: Segmented) -> None:
        assert list(shop.memberships.columns) == shop.keys
        assert (shop.memberships >= 0).all(axis=None)
        assert ((shop.memberships.sum(axis=1) - 1).abs() <= 1e-12).all()

    def test_a_fit_to_all_customers_describes_them_better(self, shop: Segmented) -> None:
        """EM by sums, from the sample's model: the objective of all customers rises, and never falls on the way."""
        query = "select * from seg_customer_features"
        objectives: list[float] = []
        with connect(shop.project.warehouse, read_only=True) as warehouse:
            patterns = missing_patterns(warehouse, shop.model.features, query, 32)
            everybody = Population(warehouse, shop.model, query, patterns)
            parameters = parameters_of(shop.model)
            for _ in range(6):
                sums, objective = everybody.em_step(parameters)
                objectives.append(objective / everybody.customers)
                parameters = em.maximization(sums, shop.model.covariance_type, 0.0)
            log_density = everybody.log_density(shop.model)
        assert everybody.customers == len(shop.features)
        assert all(later >= earlier - 1e-12 for earlier, later in pairwise(objectives))
        assert log_density == pytest.approx(shop.scores.log_density.mean(), rel=1e-12)
        assert shop.model.training.population_log_density == pytest.approx(log_density, rel=1e-12)

    def test_memberships_are_those_of_the_model_in_numpy(self, shop: Segmented) -> None:
        columns = {
            name: shop.features[name].to_numpy(dtype=float) for name in shop.model.column_names
        }
        log_joint = shop.model.log_joint(columns)
        np.testing.assert_allclose(
            shop.memberships.to_numpy(), softmax(log_joint, axis=1), rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(
            shop.scores.log_density, logsumexp(log_joint, axis=1), rtol=1e-10
        )

    def test_segment_and_runner_up_are_the_largest_memberships(self, shop: Segmented) -> None:
        ordered = np.sort(shop.memberships.to_numpy(), axis=1)
        np.testing.assert_array_equal(shop.segments.membership, ordered[:, -1])
        np.testing.assert_array_equal(shop.segments.runner_up_membership, ordered[:, -2])
        for key, amount in (
            ("segment_key", "membership"),
            ("runner_up_segment_key", "runner_up_membership"),
        ):
            position = pd.Index(shop.keys).get_indexer(pd.Index(shop.segments[key]))
            named = shop.memberships.to_numpy()[np.arange(len(position)), position]
            np.testing.assert_array_equal(named, shop.segments[amount])
        assert (shop.segments.segment_key != shop.segments.runner_up_segment_key).all()

    def test_tiers_part_the_customers(self, shop: Segmented) -> None:
        """Thresholds are the defaults: dominant from 0.8 on, else hybrid from 0.3 of the runner-up on."""
        dominant = shop.segments.membership >= 0.8
        hybrid = ~dominant & (shop.segments.runner_up_membership >= 0.3)
        expected = np.select([dominant, hybrid], ["dominant", "hybrid"], "exploratory")
        np.testing.assert_array_equal(shop.segments.action_tier, expected)

    def test_about_one_customer_in_a_hundred_is_an_outlier(self, shop: Segmented) -> None:
        """The threshold is the 1 % quantile of the training sample's log density."""
        threshold = shop.model.outlier_log_density
        np.testing.assert_array_equal(shop.segments.is_outlier, shop.scores.log_density < threshold)
        assert 0.005 < shop.segments.is_outlier.mean() < 0.02

    def test_long_memberships_are_the_wide_ones(self, shop: Segmented) -> None:
        long = shop.rows("seg_customer_memberships")
        assert len(long) == len(shop.scores) * len(shop.keys)
        wide = long.pivot_table(index="customer_id", columns="segment_key", values="membership")
        np.testing.assert_array_equal(wide.index, shop.scores.customer_id)
        np.testing.assert_array_equal(wide[shop.keys], shop.memberships)

    def test_segment_sizes_are_counts_and_sums(self, shop: Segmented) -> None:
        sizes = shop.rows("seg_segments").set_index("segment_key").loc[shop.keys]
        counted = shop.segments.segment_key.value_counts().reindex(shop.keys, fill_value=0)
        np.testing.assert_array_equal(sizes.customers, counted)
        np.testing.assert_allclose(sizes.expected_customers, shop.memberships.sum(), rtol=1e-12)
        np.testing.assert_allclose(
            sizes.weight, [c.weight for c in shop.model.components], rtol=1e-12
        )
        assert abs(sizes.weight.sum() - 1) < 1e-9

    def test_profiles_are_weighted_moments(self, shop: Segmented) -> None:
        """Recomputed by pandas around the mean, in two passes, over customers for whom the feature was measured."""
        actual = shop.rows("seg_segment_profiles").drop(columns="distinctiveness_rank")
        expected = profiles(shop.features, shop.memberships, list(actual.feature.unique()))
        assert_same_profiles(actual, expected.reset_index()[list(actual.columns)])
        assert set(shop.model.feature_names) <= set(actual.feature)

    def test_what_sets_a_segment_apart_most_is_ranked_first(self, shop: Segmented) -> None:
        for key, profile in shop.rows("seg_segment_profiles").groupby("segment_key"):
            ranked = profile.set_index("distinctiveness_rank").sort_index()
            assert list(ranked.index) == list(range(1, len(ranked) + 1))
            weight = shop.memberships[key]
            measured = [
                weight[shop.features[f].notna()].sum() / weight.sum() for f in ranked.feature
            ]
            usual = ranked[(np.array(measured) >= 0.5) & ranked.z_score.notna()]
            assert list(usual.index) == list(range(1, len(usual) + 1))
            assert (usual.z_score.abs().diff().dropna() < 1e-5).all()

    def test_bare_dbt_build_gives_the_same_tables(self, shop: Segmented) -> None:
        before = {table: shop.rows(table) for table in (*OF_CUSTOMERS, *OF_SUMS)}
        shop.project.call(dbt, "build")
        for table in OF_CUSTOMERS:
            pd.testing.assert_frame_equal(shop.rows(table), before[table])
        segments, actual = (shop.rows(table) for table in OF_SUMS)
        pd.testing.assert_frame_equal(segments, before["seg_segments"], rtol=1e-9, atol=1e-9)
        assert_same_profiles(actual, before["seg_segment_profiles"])


@dataclass(frozen=True)
class Published:
    """What is known of a shop from elsewhere: its provenance note, or a pass over the file with pandas.

    lines, amount: of all order lines; anonymous_lines, anonymous_amount: of those without a customer
    orders: of known customers, without cancellations; as_of_date: the day after the last line
    """

    lines: int
    amount: Decimal
    customers: int
    orders: int
    as_of_date: str
    anonymous_lines: int = 0
    anonymous_amount: Decimal = Decimal(0)


class WholeJobOnOrderLines(WholeJob):
    """What holds as well where the features come from order lines."""

    published: ClassVar[Published]

    def test_lines_and_money_are_those_of_the_source(self, shop: Segmented) -> None:
        actual = shop.project.row(
            """
            select
                count(*),
                round(sum(cast(amount as decimal(18, 4))), 2),
                count(*) filter (customer_id is null),
                round(coalesce(sum(cast(amount as decimal(18, 4))) filter (customer_id is null), 0), 2)
            from stg_seg__transactions
            """
        )
        assert actual == (
            self.published.lines,
            self.published.amount,
            self.published.anonymous_lines,
            self.published.anonymous_amount,
        )

    def test_customers_orders_and_money_reach_the_features(self, shop: Segmented) -> None:
        actual = shop.project.row(
            """
            select
                count(*),
                sum(order_count),
                round(sum(cast(net_spend as decimal(18, 4))), 2),
                min(cast(as_of_date as varchar)),
                max(cast(as_of_date as varchar))
            from seg_customer_features
            """
        )
        assert actual == (
            self.published.customers,
            self.published.orders,
            self.published.amount - self.published.anonymous_amount,
            self.published.as_of_date,
            self.published.as_of_date,
        )

    def test_segments_share_all_the_money(self, shop: Segmented) -> None:
        """Each term of the sums is rounded to a hundredth of a cent."""
        sizes = shop.rows("seg_segments").set_index("segment_key").loc[shop.keys]
        expected = shop.memberships.mul(shop.features.net_spend, axis=0).sum()
        rounding = 1e-4 * len(shop.features)
        np.testing.assert_allclose(sizes.revenue, expected, rtol=0, atol=rounding)
        np.testing.assert_allclose(sizes.revenue_share, expected / expected.sum(), atol=1e-6)
        np.testing.assert_allclose(sizes.customer_share, sizes.customers / len(shop.features))


class TestCompleteJourney(WholeJobOnOrderLines):
    """A grocer with product categories; every setting at its default, and a log that any development set-up has."""

    published = Published(
        lines=1_469_307,
        amount=Decimal("4596039.58"),
        customers=2_469,
        orders=155_848,
        # The last line is of 2017-12-31 in Cincinnati, and of 2018-01-01 in UTC.
        as_of_date="2018-01-02",
    )

    @pytest.fixture(scope="class")
    @classmethod
    def shop(cls, install: Install, complete_journey_folder: Path) -> Segmented:
        return segmented(install("complete_journey", complete_journey_folder))

    def test_spend_of_the_largest_departments_and_the_rest_is_all_spend(
        self, shop: Segmented
    ) -> None:
        spend = shop.features.filter(like="spend_")
        assert list(spend.columns) == [
            "spend_grocery",
            "spend_drug_gm",
            "spend_fuel",
            "spend_produce",
            "spend_meat",
            "spend_meat_pckgd",
            "spend_other",
        ]
        assert (spend.sum(axis=1) - shop.features.net_spend).abs().max() < 1e-6


class TestOnlineRetail(WholeJobOnOrderLines):
    """A gift wholesaler's raw invoice lines: cancellations, lines without a customer, times as text, no categories."""

    published = Published(
        lines=541_909,
        amount=Decimal("9747747.93"),
        customers=4_372,
        orders=18_536,
        as_of_date="2011-12-10",
        anonymous_lines=135_080,
        anonymous_amount=Decimal("1447682.12"),
    )

    @pytest.fixture(scope="class")
    @classmethod
    def shop(cls, install: Install, data_folder: Path) -> Segmented:
        return segmented(install("online_retail", data_folder / "online_retail"))

    def test_cancellations_are_money_but_no_orders(self, shop: Segmented) -> None:
        """Customer by customer; the invoice number of a cancellation starts with C."""
        file = shop.project.data / "online_retail.parquet"
        lines = pd.read_parquet(file).dropna(subset=["CustomerID"])
        lines["amount"] = lines.Quantity * lines.UnitPrice
        lines["order"] = lines.InvoiceNo.where(~lines.InvoiceNo.str.startswith("C"))
        expected = lines.groupby("CustomerID").agg({"order": "nunique", "amount": "sum"})
        np.testing.assert_array_equal(shop.features.customer_id, expected.index)
        np.testing.assert_array_equal(shop.features.order_count, expected.order)
        np.testing.assert_allclose(shop.features.net_spend, expected.amount, rtol=0, atol=1e-6)

    def test_customers_with_nothing_but_cancellations_are_scored(self, shop: Segmented) -> None:
        refunded = shop.features[shop.features.order_count == 0]
        assert len(refunded) == 33
        assert (refunded.net_spend < 0).all()
        assert (refunded.average_order_value == 0).all()
        assert refunded.customer_id.isin(shop.segments.customer_id).all()


class TestCdnow(WholeJobOnOrderLines):
    """A music shop's cohort, half of which buys once; no order numbers and no categories."""

    published = Published(
        lines=69_659,
        amount=Decimal("2500315.63"),
        customers=23_570,
        orders=67_591,
        as_of_date="1998-07-01",
    )

    @pytest.fixture(scope="class")
    @classmethod
    def shop(cls, install: Install, data_folder: Path) -> Segmented:
        return segmented(install("cdnow", data_folder / "cdnow"))

    def test_there_are_no_columns_of_categories(self, shop: Segmented) -> None:
        assert not [n for n in shop.features.columns if n.startswith(("spend_", "share_"))]
        assert (shop.features.category_count == 0).all()


class TestAdventureWorks(WholeJobOnOrderLines):
    """An invented bicycle shop: three files of sales, the category three joins away."""

    published = Published(
        lines=56_046,
        amount=Decimal("24914586.82"),
        customers=17_416,
        orders=25_164,
        as_of_date="2017-07-01",
    )

    @pytest.fixture(scope="class")
    @classmethod
    def shop(cls, install: Install, data_folder: Path) -> Segmented:
        return segmented(install("adventureworks", data_folder / "adventureworks"))

    def test_three_of_four_categories_are_sold_and_nothing_is_left_over(
        self, shop: Segmented
    ) -> None:
        spend = shop.features.filter(like="spend_")
        assert list(spend.columns) == [
            "spend_bikes",
            "spend_accessories",
            "spend_clothing",
            "spend_other",
        ]
        assert (spend.spend_other == 0).all()
        assert shop.features.category_count.between(1, 3).all()


class TestCustomerPersonality(WholeJob):
    """A ready table of customers, with columns that are no features and 24 incomes missing."""

    @pytest.fixture(scope="class")
    @classmethod
    def shop(cls, install: Install, data_folder: Path) -> Segmented:
        return segmented(install("customer_personality", data_folder / "customer_personality"))

    def test_table_is_taken_as_it_is(self, shop: Segmented) -> None:
        file = shop.project.data / "marketing_campaign.csv"
        source = pd.read_csv(file, sep="\t").sort_values("ID")
        assert len(shop.features) == len(source) == 2_240
        assert list(shop.features.columns) == ["customer_id", "as_of_date", *source.columns[1:]]
        for name in source.select_dtypes("number").columns.drop("ID"):
            actual = shop.features[name].to_numpy(dtype=float)
            np.testing.assert_array_equal(actual, source[name].to_numpy(dtype=float))
        assert (shop.features.as_of_date == pd.Timestamp("2014-06-30")).all()

    def test_missing_income_is_filled_and_flagged(self, shop: Segmented) -> None:
        missing = shop.features.Income.isna()
        assert missing.sum() == 24
        assert set(shop.segments.missing_features[missing]) == {"Income"}
        assert set(shop.segments.missing_features[~missing]) == {""}
        assert shop.segments.membership.notna().all()

    def test_profiles_are_of_the_features_of_the_model(self, shop: Segmented) -> None:
        profiled = set(shop.rows("seg_segment_profiles").feature)
        assert profiled == set(shop.model.feature_names)


def profiles(features: pd.DataFrame, memberships: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    rows = []
    for name in names:
        measured = features[name].notna()
        values = features.loc[measured, name].to_numpy(dtype=float)
        population_mean, population_deviation = weighted_moments(values, np.ones(len(values)))
        for key in memberships.columns:
            mean, deviation = weighted_moments(values, memberships.loc[measured, key].to_numpy())
            rows.append(
                {
                    "feature": name,
                    "segment_key": key,
                    "mean": mean,
                    "standard_deviation": deviation,
                    "population_mean": population_mean,
                    "index_vs_population": quotient(100 * mean, population_mean),
                    "z_score": quotient(mean - population_mean, population_deviation),
                }
            )
    return pd.DataFrame(rows).set_index(["feature", "segment_key"])


def assert_same_profiles(actual: pd.DataFrame, expected: pd.DataFrame) -> None:
    """But for the last digits of sums; a narrow segment far from the others has its spread to 1e-7 of theirs."""
    rows = [
        table.set_index(["feature", "segment_key"]).sort_index() for table in (actual, expected)
    ]
    first, second = (table.pop("standard_deviation") for table in rows)
    scale = second.groupby("feature").transform("max")
    assert ((first - second).abs() <= 1e-9 * second + 1e-7 * scale).all()
    pd.testing.assert_frame_equal(rows[0], rows[1], rtol=1e-9, atol=1e-9)


def weighted_moments(values: Array, weights: Array) -> tuple[float, float]:
    mean = float(np.average(values, weights=weights))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def quotient(number: float, divisor: float) -> float:
    """NULL in the warehouse where there is nothing to divide by."""
    return number / divisor if divisor else float("nan")
