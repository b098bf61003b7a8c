"""`warehouse-seg validate` and `compare` on the small shop, and the earlier days that they look back to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.shop_fixtures import Command, set_effective
from tests.small_shop import DATABASE, Shop, Stages, environment_of
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import followed_features_query, past_features_query
from warehouse_seg.project.historical_features import HistoricalFeatures, historical_features
from warehouse_seg.project.time_split import Unavailable

KINDS = """
create table raw.kinds as
select
    customer_id,
    segment_key as same,
    case when customer_id % 3 > 0 then 'a' else 'b' end as balanced,
    case when segment_key = 's1' then 'young' when customer_id % 2 = 0 then 'old' end as age,
    customer_id as own
from seg_customer_segments
"""


@pytest.fixture(scope="module")
def shop(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A scored shop in which more is known of the customers than their orders; nobody changes it."""
    copied = stages.scored().copy(tmp_path_factory.mktemp("validate") / "shop")
    copied.execute(KINDS)
    manifest = copied.folder / "target" / "manifest.json"
    content = json.loads(manifest.read_text())
    known = next(
        source for source in content["sources"].values() if source["name"] == "order_lines"
    )
    content["sources"]["source.small_shop.shop.kinds"] = known | {
        "name": "kinds",
        "relation_name": '"shop"."raw"."kinds"',
    }
    manifest.write_text(json.dumps(content))
    return copied


@pytest.fixture
def look(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Any:
    """look(job): what a job that reads the shop's warehouse returns."""
    monkeypatch.setattr(DbtProject, "environment", property(environment_of))
    session = Session.after_dbt(shop.project)

    def looked(job: Any) -> Any:
        with shop.project.warehouse(read_only=True) as warehouse:
            model = session.registry(warehouse).stored(None)
            return job(warehouse, session, model)

    return looked


def validated(command: Command, shop: Shop, *arguments: str) -> dict[str, Any]:
    done = command(shop, "validate", "--json", *arguments)
    assert done.exit_code == 0, done.stderr
    result: dict[str, Any] = json.loads(done.out)
    return result


# ---------------------------------------------------------------------------------------------- the commands


def test_validate_says_everything_in_json_and_talks_on_stderr(command: Command, shop: Shop) -> None:
    result = validated(
        command, shop, "--reference", "shop.kinds.same", "--protected", "shop.kinds.age"
    )
    keys = [key for (key,) in shop.rows("select distinct segment_key from seg_segments order by 1")]
    assert sorted(result["segments"]) == keys
    assert result["likelihood"]["held_out"] > result["likelihood"]["single_gaussian"]
    assert result["starts"]["agreement"] > 0.8
    assert len(result["windows"]) == 3
    assert len(result["pairs"]) == len(keys) * (len(keys) - 1) / 2
    assert result["reference"]["adjusted_rand"] == pytest.approx(1)
    (customers,) = shop.rows("select count(*) from seg_customer_segments")[0]
    assert result["reference"]["customers"] == customers
    flagged = {(entry["name"], entry["group"]) for entry in result["protected"] if entry["flagged"]}
    assert ("s1", "young") in flagged
    assert not any(entry["flagged"] for entry in result["protected"] if entry["name"] == "dominant")
    assert [entry["source"] for entry in result["predictive_power"]["predictions"]][:2] == [
        "memberships",
        "top segment",
    ]
    assert result["verdict"].startswith(f"The {len(keys)} segments of version 1 ")
    assert result["verdict"].endswith(".")
    assert result["simpler_methods"]["criterion"] == "prediction of unseen time"
    assert f" {result['simpler_methods']['sentence']}." in result["verdict"]
    compared = json.loads(command(shop, "compare", "--json").out)
    assert compared["comparison"]["simpler_methods"] == result["simpler_methods"]
    assert compared["verdict"].startswith(f"{result['simpler_methods']['sentence']}. ")


def test_validate_for_people(command: Command, shop: Shop) -> None:
    done = command(shop, "validate", "--protected", "shop.kinds.balanced")
    assert done.exit_code == 0, done.stderr
    for heading in ("log likelihood per customer, held out", "RFM quintiles", "verdict: The "):
        assert heading in done.out
    assert "no segment and no tier treats a protected group differently" in done.out.replace(
        "\n", " "
    )
    assert "read 1,000 customers" in done.err


def test_compare_in_json(command: Command, shop: Shop) -> None:
    done = command(shop, "compare", "--json")
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.out)
    assert [method["method"] for method in result["comparison"]["methods"]] == [
        "mixture",
        "k-means",
        "Ward hierarchical",
        "DBSCAN",
        "spectral",
        "RFM rules",
    ]
    assert result["comparison"]["methods"][0]["from_memberships"]["source"] == "memberships"
    assert result["customers"] == 1_000
    assert result["verdict"]


def test_compare_for_people_without_a_time_split(
    command: Command, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "warehouse_seg.commands.compare.historical_features",
        lambda *_: Unavailable("the clock stood still"),
    )
    done = command(shop, "compare")
    assert done.exit_code == 0, done.stderr
    assert "no time split: the clock stood still" in done.out
    assert "verdict: " in done.out


def test_nothing_is_written(command: Command, shop: Shop) -> None:
    before = shop.rows("from information_schema.tables select table_name order by all")
    command(shop, "validate")
    assert shop.rows("from information_schema.tables select table_name order by all") == before


@pytest.mark.parametrize("name", ["validate", "compare"])
def test_before_the_first_fit(command: Command, stages: Stages, name: str) -> None:
    done = command(stages.with_features(), name)
    assert done.exit_code == 2
    assert "no model is active yet; run `warehouse-seg fit`" in done.err
    assert not done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--version", "99"), "found no such model version"),
        (("--window-days", "9999"), "found --window-days 9999, needed 7 to"),
        (("--window-days", "1"), "found --window-days 1, needed 7 to"),
    ],
)
@pytest.mark.parametrize("name", ["validate", "compare"])
def test_what_is_not_there(
    command: Command, shop: Shop, name: str, arguments: tuple[str, ...], message: str
) -> None:
    done = command(shop, name, *arguments)
    assert done.exit_code == 2
    assert message in done.err
    assert not done.out


@pytest.mark.parametrize("name", ["validate", "compare"])
def test_figures_count_the_weight_that_a_fit_counts(
    command: Command, shop: Shop, tmp_path: Path, name: str
) -> None:
    weighted = shop.copy(tmp_path / "weighted")
    set_effective(weighted, model={"weight": "no_such_column"})
    done = command(weighted, name)
    assert done.exit_code == 2
    assert "found no column no_such_column" in done.err


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("shop.kind.same", "no source shop.kind (write a model"),
        ("kinds.same", "as SOURCE.TABLE); did you mean 'shop.kinds'?"),
        ("shop.kinds.sme", "has no column sme; did you mean 'same'"),
        ("order_counts", "has no column order_counts; did you mean 'order_count'"),
        ("shop.kinds.own", "found 1,500 different values, needed 2 to 50"),
        ("shop.order_lines.category", "more rows than customers"),
        ("a.b.c.d", "name a column as COLUMN, MODEL.COLUMN or SOURCE.TABLE.COLUMN"),
    ],
)
def test_a_column_that_is_no_grouping_of_customers(
    command: Command, shop: Shop, column: str, message: str
) -> None:
    for option in ("--reference", "--protected"):
        done = command(shop, "validate", option, column)
        assert done.exit_code == 2
        assert message in done.err
        assert not done.out


def test_a_ready_table_has_no_earlier_days(command: Command, shop: Shop, tmp_path: Path) -> None:
    ready = shop.copy(tmp_path / "ready")
    set_effective(ready, transactions=None, feature_table="customers")
    result = validated(command, ready)
    assert list(result["predictive_power"]) == ["reason"]
    assert result["windows"] == []
    assert "a ready feature_table shows one day only" in result["predictive_power"]["reason"]
    done = command(ready, "validate")
    assert "no time split: a ready feature_table shows one day only" in done.out


# ---------------------------------------------------------------------------------------------- earlier days


def lines(shop: Shop) -> pd.DataFrame:
    with duckdb.connect(str(shop.folder / DATABASE), read_only=True) as database:
        return database.execute(
            "select *, cast(amount as double) as money, cast(ordered_at as date) as day from raw.order_lines"
        ).df()


def test_the_features_of_today_are_those_that_dbt_built(look: Any, shop: Shop) -> None:
    def job(warehouse: Any, session: Session, model: Any) -> list[Any]:
        today = warehouse.rows("select max(as_of_date) as day from seg_customer_features")[0]["day"]
        query = past_features_query(warehouse, session, model.categories, str(today))
        built = "select * from seg_customer_features"
        return [
            warehouse.rows(f"from ({entry}) except from ({other})")
            for entry, other in ((query, built), (built, query))
        ]

    assert look(job) == [[], []]


def test_an_earlier_day_sees_what_was_known_then_and_what_came_after(look: Any, shop: Shop) -> None:
    day, until = "2026-05-01", "2026-06-15"

    def job(warehouse: Any, session: Session, model: Any) -> pd.DataFrame:
        query = followed_features_query(warehouse, session, model.categories, day, until)
        return pd.DataFrame(warehouse.rows(query)).set_index("customer_id").sort_index()

    result = look(job)
    known = lines(shop)
    before, since = known[known.day < day], known[(known.day >= day) & (known.day < until)]
    by_customer = before.groupby("customer_id")
    assert result.index.tolist() == sorted(before.customer_id.unique())
    recency = (pd.Timestamp(day) - by_customer.day.max()).dt.days
    np.testing.assert_array_equal(result.recency_days, recency)
    np.testing.assert_array_equal(result.order_count, by_customer.order_id.nunique())
    np.testing.assert_allclose(result.net_spend, by_customer.money.sum(), atol=1e-9)
    later = since.groupby("customer_id")
    for column, expected in (
        ("next_order_count", later.order_id.nunique()),
        ("next_net_spend", later.money.sum()),
    ):
        aligned = expected.reindex(result.index, fill_value=0)
        np.testing.assert_allclose(result[column], aligned, atol=1e-9)
    assert result.next_order_count.gt(0).any()
    assert result.next_order_count.eq(0).any()


def test_a_window_is_ninety_days_or_a_quarter_of_the_history(look: Any) -> None:
    def job(warehouse: Any, session: Session, model: Any) -> list[HistoricalFeatures | Unavailable]:
        return [
            historical_features(warehouse, session, model.categories, model.column_names, given)
            for given in (None, 30)
        ]

    usual, given = look(job)
    (span,) = look(
        lambda warehouse, *_: warehouse.rows(
            "select max(tenure_days) as days from seg_customer_rfm"
        )
    )
    assert usual.window_days == min(90, span["days"] // 4)
    assert given.window_days == 30
    assert list(given.earlier_days()) == [
        str(given.as_of_date - pd.Timedelta(days=30 * number)) for number in (1, 2, 3)
    ]


def test_features_that_nobody_knows_of_an_earlier_day(look: Any) -> None:
    def job(warehouse: Any, session: Session, model: Any) -> HistoricalFeatures | Unavailable:
        return historical_features(
            warehouse, session, model.categories, ["visits", *model.column_names]
        )

    assert look(job) == Unavailable(
        "visits: the values that `extra_features` had on an earlier day are unknown"
    )
