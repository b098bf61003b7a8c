"""`warehouse-seg debug` shows every part, says what is wrong with one and goes on with the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.shop_fixtures import Command, set_effective
from tests.small_shop import CREDENTIALS, Shop, Stages, environment_of
from warehouse_seg.cli import output
from warehouse_seg.dbt.manifest import PACKAGE
from warehouse_seg.dbt.package_version import program_version
from warehouse_seg.dbt.project import DbtProject


def checks(command: Command, shop: Shop, *, code: int = 0) -> dict[str, Any]:
    """Name of a check → its row, and what is next."""
    done = command(shop, "debug", "--json")
    assert done.exit_code == code, done.stderr
    content = json.loads(done.out)
    return {check["name"]: check for check in content["checks"]} | {"next": content["next"]}


def test_where_all_is_fine_there_is_nothing_to_do(command: Command, stages: Stages) -> None:
    shop = stages.scored()
    seen = checks(command, shop)
    assert {seen[name]["state"] for name in seen if name != "next"} == {"ok"}
    assert seen["program"]["text"] == f"warehouse-seg {program_version()}"
    assert "dbt-core" in seen["dbt"]["text"]
    assert seen["profile"]["text"].startswith("small_shop, target dev")
    assert program_version() in seen["package"]["text"]
    assert "customer_id_type: bigint" in seen["variables"]["text"]
    assert "categories: 2" in seen["variables"]["text"]
    assert "timezone" not in seen["variables"]["text"], "its default"
    assert str(shop.database) in seen["connection"]["text"]
    assert "ordered_at is ordered_at" in seen["order lines"]["text"]
    assert seen["customer key"]["text"].startswith("1,500 customers in 1,500 rows")
    assert "version 1 is active: 3 segments" in seen["model"]["text"]
    assert "tables scored with version 1" in seen["model"]["text"]
    assert seen["next"] == "nothing: the tables show the active model"
    sheet = command(shop, "debug").out
    assert "✓ model: version 1 is active" in sheet
    assert sheet.count("2026-06-") >= 5, "five rows of the order lines"


def test_before_the_first_fit(command: Command, stages: Stages) -> None:
    seen = checks(command, stages.with_features())
    assert seen["model"]["state"] == "warning"
    assert seen["next"].startswith("run `warehouse-seg run`")


def test_before_the_first_build(command: Command, stages: Stages, tmp_path: Path) -> None:
    shop = stages.with_features().copy(tmp_path / "shop")
    shop.execute("drop table seg_customer_features", "drop view stg_seg__transactions")
    seen = checks(command, shop)
    assert "not built yet" in seen["order lines"]["text"]
    assert "is not built yet" in seen["customer key"]["text"]
    assert seen["next"].startswith("run `warehouse-seg run`")


def test_a_build_is_due(command: Command, scored_shop: Shop) -> None:
    assert command(scored_shop, "fit").exit_code == 0
    seen = checks(command, scored_shop)
    assert seen["model"]["state"] == "warning"
    assert "`dbt build` scores with version 2" in seen["next"]


def test_a_key_twice(command: Command, scored_shop: Shop) -> None:
    scored_shop.execute(
        "insert into seg_customer_features from seg_customer_features limit 1",
        "insert into seg_customer_features select * replace (null as customer_id) "
        "from seg_customer_features limit 2",
    )
    seen = checks(command, scored_shop, code=2)
    assert seen["customer key"]["state"] == "failed"
    assert "1,500 customers in 1,503 rows" in seen["customer key"]["text"]
    assert "2 without a key" in seen["customer key"]["text"]
    assert seen["model"]["state"] == "ok", "the later checks still run"


def test_a_spoiled_model(command: Command, scored_shop: Shop) -> None:
    scored_shop.execute("delete from seg_model_components where component = 0")
    seen = checks(command, scored_shop, code=2)
    assert "cannot be used" in seen["model"]["text"]
    assert seen["registry"]["state"] == "ok"


def test_a_package_of_another_release(command: Command, scored_shop: Shop) -> None:
    path = scored_shop.folder / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    for key, node in manifest["nodes"].items():
        if key.startswith(f"model.{PACKAGE}."):
            node["config"]["meta"]["warehouse_seg_version"] = "0.1.99"
    path.write_text(json.dumps(manifest))
    seen = checks(command, scored_shop)
    assert seen["package"]["state"] == "warning"
    assert "0.1.99" in seen["package"]["text"]
    assert seen["next"].startswith("renew the package")


def test_a_connection_that_cannot_be_opened(command: Command, scored_shop: Shop) -> None:
    scored_shop.database.write_text("no database")
    seen = checks(command, scored_shop, code=2)
    assert seen["connection"]["state"] == "failed"
    assert seen["variables"]["state"] == "ok", "what needs no connection is said"
    assert "model" not in seen


def test_ready_features(command: Command, scored_shop: Shop) -> None:
    set_effective(scored_shop, transactions=None, feature_table="ready")
    assert checks(command, scored_shop)["order lines"]["text"] == "none: ready features of ready"


def test_no_secret_is_shown(
    command: Command, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = CREDENTIALS | {"password": "hunter2", "token": "hunter2"}
    monkeypatch.setattr(
        DbtProject, "environment", property(lambda self: environment_of(self, secret))
    )
    for arguments in ((), ("--json",)):
        assert "hunter2" not in command(stages.scored(), "debug", *arguments).stderr


def test_outside_of_a_project(command: Command, tmp_path: Path) -> None:
    seen = checks(command, Shop(tmp_path), code=2)
    assert set(seen) == {"program", "dbt", "next"}
    assert "found no dbt_project.yml" in seen["dbt"]["text"]
    assert "warehouse-seg demo" in seen["next"]


@pytest.mark.parametrize(
    "arguments", [["models"], ["profile"], ["explain", "1"], ["debug"]], ids=str
)
def test_sheets_in_80_columns_cut_nothing(
    command: Command, stages: Stages, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(output.out, "width", 80)
    done = command(stages.scored(), *arguments)
    assert done.exit_code == 0, done.err
    assert "…" not in done.out
