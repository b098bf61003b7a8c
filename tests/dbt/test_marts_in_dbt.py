"""What BI finds in the warehouse: comments, the model's warning, the shape of the contract, customers by weight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.dbt_folder import succeeded
from tests.small_shop import DATABASE, Shop, Stages
from warehouse_seg.resources import dbt_package_path

MARTS = sorted(file.stem for file in (dbt_package_path() / "models" / "marts").glob("*.sql"))
DYNAMIC = {"seg_customer_features", "seg_customer_scores", "seg_membership_history"}
"""Public tables whose columns depend on the categories and on the segments: they can have no contract."""


@pytest.fixture(scope="module")
def shop(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Every table built with a model that is active."""
    return stages.scored().copy(tmp_path_factory.mktemp("marts") / "shop")


def declared() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and YAML of every model of the package."""
    for file in sorted(dbt_package_path().glob("models/**/*.yml")):
        for model in YAML(typ="safe").load(file).get("models", []):
            yield model["name"], model


def frame(shop: Shop, query: str) -> pd.DataFrame:
    with duckdb.connect(str(shop.folder / DATABASE), read_only=True) as database:
        return database.execute(query).df()


def test_every_public_table_promises_its_columns() -> None:
    public = {n: m for n, m in declared() if m.get("config", {}).get("access") == "public"}
    assert set(public) >= {*MARTS, *DYNAMIC}
    for name, model in public.items():
        has_contract = bool(model["config"].get("contract", {}).get("enforced"))
        assert has_contract == (name not in DYNAMIC), name
        for column in model["columns"]:
            assert column["description"].strip(), (name, column["name"])
            assert has_contract == ("data_type" in column), (name, column["name"])


def test_descriptions_are_comments_in_the_database(shop: Shop) -> None:
    manifest = json.loads((shop.folder / "target" / "manifest.json").read_text("utf-8"))
    columns = {
        (table, column): comment
        for table, column, comment in shop.rows(
            "select table_name, column_name, comment from duckdb_columns() where schema_name = 'main'"
        )
    }
    tables = dict(shop.rows("select table_name, comment from duckdb_tables()"))
    for name in [*MARTS, "seg_customer_scores", "seg_customer_features", "seg_customer_rfm"]:
        node = manifest["nodes"][f"model.warehouse_seg.{name}"]
        assert tables[name] == node["description"]
        for column, described in node["columns"].items():
            assert columns[name, column] == described["description"], (name, column)


def test_segments_show_what_the_model_warns_of(stages: Stages, tmp_path: Path) -> None:
    """Nothing, two warnings, and a registry that was made before there were any."""
    shop = stages.scored().copy(tmp_path / "shop")
    warned = "select distinct model_warning from seg_segments"
    for written, shown in (
        ("[]", None),
        (
            json.dumps([{"kind": "a", "text": "it's unstable"}, {"kind": "b", "text": "few"}]),
            "it's unstable. few",
        ),
    ):
        shop.execute("update seg_models set warnings = '{}'".format(written.replace("'", "''")))
        succeeded(shop.dbt("run", "--select", "seg_segments"))
        assert shop.rows(warned) == [(shown,)]
    shop.execute("alter table seg_models drop column warnings")
    succeeded(shop.dbt("run", "--select", "seg_segments"))
    assert shop.rows(warned) == [(None,)]


def test_a_warning_that_is_no_list_stops_the_build(stages: Stages, tmp_path: Path) -> None:
    shop = stages.scored().copy(tmp_path / "shop")
    shop.execute("update seg_models set warnings = 'unstable'")
    done = shop.dbt("run", "--select", "seg_segments")
    assert done.exit_code == 1
    assert "warnings is not a JSON list of objects with a text" in done.stderr


def test_tables_have_one_shape_with_and_without_a_model(
    shop: Shop, stages: Stages, tmp_path: Path
) -> None:
    types = (
        "select table_name, column_name, data_type from duckdb_columns() "
        f"where table_name in ({', '.join(map(repr, MARTS))}) order by table_name, column_index"
    )
    without = stages.with_features().copy(tmp_path / "without")
    variables = ["--vars", json.dumps({"allow_missing_model": True})]
    succeeded(without.dbt("build", "--select", "seg_customer_scores+", *variables))
    assert without.rows(types) == shop.rows(types)
    for name in MARTS:
        assert without.rows(f"select count(*) from {name}") == [(0,)]


def test_customers_count_by_their_weight(stages: Stages, tmp_path: Path) -> None:
    """The tables against sums in pandas; a row may stand for many customers."""
    shop = stages.scored().copy(tmp_path / "shop")
    shop.set_variable("model", "weight", value="order_count")
    succeeded(shop.dbt("build", "--select", "seg_segments", "seg_segment_profiles"))
    customers = frame(
        shop,
        "select * from seg_customer_features inner join seg_customer_scores using (customer_id, as_of_date) "
        "inner join (select customer_id, segment_key from seg_customer_segments) using (customer_id)",
    )
    weight = customers["order_count"]
    profiles = {
        (row["segment_key"], row["feature"]): row
        for row in frame(shop, "select * from seg_segment_profiles").to_dict("records")
    }
    segments = frame(shop, "select * from seg_segments").set_index("segment_key")
    assert segments["customers"].sum() == weight.sum() > len(customers)
    for key, segment in segments.iterrows():
        top = weight[customers["segment_key"] == key].sum()
        parts = weight * customers[f"membership_{key}"]
        assert segment["customers"] == top
        assert segment["customer_share"] == pytest.approx(top / weight.sum(), rel=1e-12)
        assert segment["expected_customers"] == pytest.approx(parts.sum(), rel=1e-12)
        # Every customer's part is money with four decimals.
        assert segment["revenue"] == pytest.approx((parts * customers["net_spend"]).sum(), abs=0.1)
        for feature in ("recency_days", "average_order_value", "days_between_orders"):
            values = customers[feature]
            known = values.notna()
            mean = (parts * values)[known].sum() / parts[known].sum()
            spread = (parts * (values - mean) ** 2)[known].sum() / parts[known].sum()
            everybody = (weight * values)[known].sum() / weight[known].sum()
            profile = profiles[str(key), feature]
            assert profile["mean"] == pytest.approx(mean, rel=1e-9)
            assert profile["standard_deviation"] == pytest.approx(spread**0.5, rel=1e-9)
            assert profile["population_mean"] == pytest.approx(everybody, rel=1e-9)
