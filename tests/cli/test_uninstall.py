"""`warehouse-seg uninstall` lists first, removes all of the package, and keeps what was fitted unless it is named."""

from __future__ import annotations

import json

from ruamel.yaml import YAML

from tests.shop_fixtures import Command
from tests.small_shop import PROJECT, Shop


def tables(shop: Shop) -> set[str]:
    return {name for (name,) in shop.rows("select table_name from information_schema.tables")}


def files(shop: Shop) -> dict[str, str]:
    names = ("dbt_project.yml", "packages.yml")
    return {name: (shop.folder / name).read_text() for name in names}


def test_a_dry_run_lists_and_changes_nothing(command: Command, scored_shop: Shop) -> None:
    before = files(scored_shop), tables(scored_shop)
    done = command(scored_shop, "uninstall", "--dry-run")
    assert done.exit_code == 0, done.err
    for line in (
        'drop view "shop"."main"."stg_seg__transactions"',
        'drop table "shop"."main"."seg_customer_scores"',
        "-    transactions: [shop, order_lines]",
        "-  - local: vendor/warehouse_seg",
        "remove vendor/warehouse_seg/",
        "the fitted models stay, in the registry tables of schema main, and so does the history",
    ):
        assert line in done.out
    assert (files(scored_shop), tables(scored_shop)) == before


def test_without_a_terminal_nothing_is_removed_unasked(command: Command, scored_shop: Shop) -> None:
    before = files(scored_shop), tables(scored_shop)
    done = command(scored_shop, "uninstall")
    assert done.exit_code == 2
    assert "needed --yes" in done.err
    assert (files(scored_shop), tables(scored_shop)) == before


def test_everything_goes_but_the_models(command: Command, scored_shop: Shop) -> None:
    registry = {
        name for name in tables(scored_shop) if name.startswith(("seg_model", "seg_registry"))
    }
    done = command(scored_shop, "uninstall", "--yes")
    assert done.exit_code == 0, done.err
    assert tables(scored_shop) == registry | {"order_lines"}
    left = files(scored_shop)
    assert "warehouse_seg" not in left["dbt_project.yml"]
    assert left["dbt_project.yml"].strip() == PROJECT[: PROJECT.index("vars:")].strip()
    assert not left["packages.yml"].strip()
    assert not (scored_shop.folder / "vendor").exists()
    assert not (scored_shop.folder / "dbt_packages" / "warehouse_seg").exists()


def test_the_models_go_where_their_schema_is_named(command: Command, scored_shop: Shop) -> None:
    done = command(scored_shop, "uninstall", "--yes", "--registry", "elsewhere")
    assert done.exit_code == 2
    assert "found --registry elsewhere, the registry's schema is main" in done.err
    assert "seg_models" in tables(scored_shop)
    assert command(scored_shop, "uninstall", "--yes", "--registry", "main").exit_code == 0
    assert tables(scored_shop) == {"order_lines"}


def test_the_history_goes_with_the_models_alone(command: Command, history_shop: Shop) -> None:
    kept = {"seg_membership_history", "seg_segment_history"}
    # The fixture wrote the file as JSON, from which lines cannot be taken.
    definition = history_shop.folder / "dbt_project.yml"
    with definition.open("r+") as file:
        content = json.load(file)
        file.seek(0)
        file.truncate()
        YAML().dump(content, file)
    dropped = command(history_shop, "uninstall", "--dry-run").out
    assert "seg_segment_transitions" in dropped
    assert not [name for name in kept if name in dropped]
    assert command(history_shop, "uninstall", "--yes", "--registry", "main").exit_code == 0
    assert tables(history_shop) == {"order_lines"}


def test_what_a_kill_left_is_removed_by_the_same_command(
    command: Command, scored_shop: Shop
) -> None:
    scored_shop.execute("drop table seg_customer_scores", "drop view stg_seg__transactions")
    done = command(scored_shop, "uninstall", "--yes")
    assert done.exit_code == 0, done.err
    assert "seg_segments" not in tables(scored_shop)
    (scored_shop.folder / "target" / "manifest.json").unlink()
    done = command(scored_shop, "uninstall", "--yes")
    assert done.exit_code == 0
    assert "nothing of the package is left in this project" in done.out
