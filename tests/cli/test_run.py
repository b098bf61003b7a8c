"""`warehouse-seg run` with dbt at work: never 0 where nothing was scored, 1 where a test or a model of dbt failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dbt_folder import succeeded
from tests.shop_fixtures import Command
from tests.small_shop import Shop, Stages
from warehouse_seg.dbt.project import DbtProject


def test_the_first_run_fits_and_scores_everybody(features_shop: Shop) -> None:
    done = succeeded(features_shop.warehouse_seg("run", "--json"))
    summary = json.loads(done.out)
    assert summary["model_version"] == 1
    customers = features_shop.rows("select count(*) from seg_customer_features")
    assert [(summary["customers"],)] == [(len(features_shop.segments()),)] == customers
    assert sum(summary["tiers"].values()) == summary["customers"]
    steps = [line for line in done.err.splitlines() if line.startswith("✓")]
    searched = [step for step in steps if step.startswith("✓ searching ")]
    assert searched
    assert [step.split(" (")[0] for step in steps if step not in searched] == [
        "✓ project and profile read by dbt",
        "✓ project parsed by dbt",
        "✓ features built and tested",
        "✓ read 1,000 of 1,500 customers",
        "✓ screening 5 feature sets by what they predict",
        "✓ recommended: 3 segments",
        next(step.split(" (")[0] for step in steps if "which nothing has seen" in step),
        "✓ model fitted",
        "✓ segments built and tested",
    ]


def test_a_failed_data_test_is_exit_1_and_stops_before_the_fit(features_shop: Shop) -> None:
    (features_shop.folder / "tests").mkdir()
    (features_shop.folder / "tests" / "nobody_is_recent.sql").write_text(
        "select customer_id from {{ ref('warehouse_seg', 'seg_customer_features') }}"
    )
    done = features_shop.warehouse_seg("run")
    assert done.exit_code == 1
    assert "`dbt build` failed" in done.err
    assert "nobody_is_recent" in done.err
    assert not done.out
    assert not features_shop.rows("from information_schema.tables where table_name = 'seg_models'")


def test_a_build_that_scores_nobody_is_exit_2(
    command: Command, scored_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt is content with empty tables."""
    monkeypatch.setattr(DbtProject, "call", lambda *_, **__: None)
    scored_shop.execute("delete from seg_customer_segments")
    done = command(scored_shop, "run")
    assert done.exit_code == 2
    assert "✓ model version 1 is active, not fitted anew" in done.err
    assert "no customer was scored" in done.err
    assert not done.out


def test_parents_are_built_where_the_warehouse_lacks_them(features_shop: Shop) -> None:
    shop = features_shop
    models = {
        "lines": "{{ config(materialized='table') }} select * from {{ ref('passing') }}",
        "passing": "{{ config(materialized='ephemeral') }} select * from {{ source('shop', 'order_lines') }}",
    }
    for name, text in models.items():
        (shop.folder / "models" / f"{name}.sql").write_text(text)
    shop.set_variable("transactions", value="lines")
    lacking = "built as well, since the warehouse lacks it: lines"
    assert lacking in succeeded(shop.warehouse_seg("run")).err
    shop.execute("alter table lines add column marker integer")
    assert "the warehouse lacks" not in succeeded(shop.warehouse_seg("run")).err
    marked = "from information_schema.columns where table_name = 'lines' and column_name = 'marker'"
    assert shop.rows(marked), "a table that is there is not built anew"
    succeeded(shop.warehouse_seg("run", "--with-parents"))
    assert not shop.rows(marked)


def test_what_is_odd_about_the_order_lines_is_repeated(
    command: Command, features_shop: Shop
) -> None:
    odd = "3 order lines have no amount"
    features_shop.execute(
        f"insert into seg_order_line_checks values ('without_amount', 'warn', 'amount', 3, '{odd}')"
    )
    assert f"warning: {odd}" in command(features_shop, "fit").err
    features_shop.execute("drop table seg_order_line_checks")
    assert "order lines" not in command(features_shop, "fit").err


def test_too_many_combinations_of_missing_features_are_refused_before_the_search(
    stages: Stages, tmp_path: Path
) -> None:
    shop = stages.installed().copy(tmp_path / "shop")
    features = ", ".join(
        f"case when hash(i || ' {n}') % 8 > 0 then exp(i % 3 / 2 + (hash(i || '_{n}') % 1000) / 1000) end as f{n}"
        for n in range(12)
    )
    shop.execute(
        f"create or replace table raw.order_lines as select i as customer_id, {features} from range(3000) t(i)"
    )
    definition = shop.folder / "dbt_project.yml"
    text = definition.read_text().replace("transactions:", "feature_table:")
    definition.write_text(text.replace("    categories: 2\n", "    as_of_date: '2026-07-01'\n"))
    shop.set_variable("model", "missing_patterns", value=50)

    done = shop.warehouse_seg("run", "--verbose")

    assert done.exit_code == 2, done.stderr
    assert "model.missing_patterns" in done.err
    assert "✓ read 1,000 of 3,000 customers" in done.err
    # Of the search nothing was done.
    assert "recommended" not in done.err
    assert "segments" not in done.err.split("error:")[0]
