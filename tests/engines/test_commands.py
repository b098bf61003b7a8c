"""The command line on an engine of the profile: the same model from the same customers, and what it says of it."""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.engines.conftest import Engine, Twins
from tests.engines.shops import Shop
from tests.engines.test_same_answers import CLOSE, differences
from tools.generate_sql import reference_model
from warehouse_seg.commands.models import stored_model
from warehouse_seg.errors import UsageError
from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.project.context import Session


@pytest.fixture(scope="module")
def run(demo: Twins) -> Twins:
    """The demo after `warehouse-seg run`: features, a fit of the engine's own, segments."""
    demo.other.warehouse_seg("run")
    return demo


def printed_json(shop: Shop, *arguments: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(shop.warehouse_seg(*arguments, "--json").out)


def test_the_sample_has_the_same_customers_in_the_same_order(run: Twins) -> None:
    rows = []
    for shop in (run.duckdb, run.other):
        relation = shop.project.last_manifest().relation("seg_customer_features")
        with shop.project.warehouse(read_only=True) as warehouse:
            query = sample_sql(
                f"select * from {relation}", ["net_spend"], 500, 7, warehouse.dialect
            )
            rows.append(warehouse.rows(query))
    assert len(rows[0]) == 500
    assert rows[0] == rows[1]


def test_a_fit_finds_the_same_model(run: Twins) -> None:
    """To the last digit: the fingerprint is that of all its numbers."""
    expected, actual = (stored_model(shop.project, None) for shop in (run.duckdb, run.other))
    assert actual.fingerprint == expected.fingerprint
    assert actual.components == expected.components


def test_segments_of_its_own_model_are_the_same(run: Twins) -> None:
    keys = {"seg_customer_segments": ["customer_id"]}
    expected, actual = (
        shop.tables(keys)["seg_customer_segments"] for shop in (run.duckdb, run.other)
    )
    assert differences(expected, actual, CLOSE) == []


def test_profile_says_the_same(run: Twins) -> None:
    expected, actual = (printed_json(shop, "profile") for shop in (run.duckdb, run.other))
    assert [s["segment_name"] for s in actual["segments"]] == [
        s["segment_name"] for s in expected["segments"]
    ]
    for segment, other in zip(expected["segments"], actual["segments"], strict=True):
        assert segment["suggested_action"] == other["suggested_action"]
        np.testing.assert_allclose(other["revenue"], segment["revenue"], rtol=CLOSE)
        assert [m["feature"] for m in other["measures"]] == [
            m["feature"] for m in segment["measures"]
        ]


def test_compile_speaks_the_dialect_of_the_target(run: Twins, engine: Engine) -> None:
    relation = run.other.project.last_manifest().relation("seg_customer_features")
    text = run.other.warehouse_seg("compile", "--relation", relation).out
    assert text.splitlines()[0].endswith(f"Dialect: {engine.name}.")
    with run.other.project.warehouse(read_only=True) as warehouse:
        scored = warehouse.rows(f"select count(*) as customers from ({text}) as scores")
    assert scored == [{"customers": 3000}]


def test_a_refit_is_the_next_version_and_rollback_goes_back(run: Twins) -> None:
    run.other.warehouse_seg("fit", "--notes", "it's \\ a second one")
    run.other.warehouse_seg("rollback", "--reason", 'a "test"')
    listed = printed_json(run.other, "models")
    assert [row["model_version"] for row in listed["models"]] == [2, 1]
    assert listed["models"][0]["notes"] == "it's \\ a second one"
    activations = [(row["model_version"], row["action"]) for row in listed["activations"]]
    assert activations == [(1, "rollback"), (2, "fit"), (1, "fit")]
    assert {row["verdict"] for row in listed["segment_matches"]} == {"kept"}


def test_names_of_any_characters_survive_the_registry(run: Twins) -> None:
    names = ['Łódź\'s "best" 😀', "-- `drop table` ; $1 %s {{ x }}"]
    model = reference_model()
    components = tuple(
        component.model_copy(update={"segment_name": name, "description": f"{name} \\n \\"})
        for component, name in zip(model.components, names, strict=True)
    )
    session = Session.start(run.other.project)
    with run.other.project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        stored = registry.publish(model.model_copy(update={"components": components}))
        assert registry.read(stored.model_version).components == components


def test_an_error_has_the_statement_that_failed(run: Twins) -> None:
    with run.other.project.warehouse() as warehouse:
        with pytest.raises(UsageError, match="no_such_column") as caught:
            warehouse.rows("select no_such_column\nfrom (select 1 as i) as t")
        assert "select no_such_column\nfrom (select 1 as i) as t" in str(caught.value)
        assert not warehouse.has_relation("no_schema.no_table")
        assert not warehouse.has_relation("raw.no_table")
        assert warehouse.has_relation("raw.raw_orders")


def test_nothing_measured_is_nan(run: Twins) -> None:
    with run.other.project.warehouse() as warehouse:
        columns = warehouse.arrays("select 1 as whole, 'a' as word union all select null, null")
    assert sorted(map(str, columns["whole"])) == ["1.0", "nan"]
    assert set(columns["word"]) == {"a", None}


def test_init_writes_the_type_of_the_key(run: Twins) -> None:
    """As the warehouse has it, here of a source."""
    definition = run.other.folder / "dbt_project.yml"
    before = definition.read_text()
    content = YAML(typ="safe").load(before)
    content["vars"]["warehouse_seg"] = {"transactions": ["raw", "raw_orders"]}
    try:
        definition.write_text(json.dumps(content))
        run.other.warehouse_seg("init")
        after = YAML(typ="safe").load(definition.read_text())
    finally:
        definition.write_text(before)
    assert after["vars"]["warehouse_seg"]["customer_id_type"] == "bigint"


HISTORY = {
    "seg_membership_history": ["customer_id", "as_of_date"],
    "seg_segment_history": ["customer_id", "as_of_date"],
    "seg_segment_transitions": ["as_of_date", "previous_segment_key", "segment_key"],
    "seg_customer_movements": ["customer_id", "as_of_date"],
    "seg_segment_paths": ["segment_keys", "next_segment_key"],
    "seg_segment_durations": ["segment_key"],
    "seg_customer_next_segments": ["customer_id"],
}
STAMPS = ["scored_at", "previous_scored_at"]
NAMED_BY_A_LARGEST = ["most_rose_segment_key", "most_fell_segment_key"]


@pytest.fixture(scope="module")
def histories(run: Twins, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """Four months of history on both sides, the last one by a build; two of them are filled in twice."""
    folder = tmp_path_factory.mktemp("history") / "demo"
    reference = Shop(shutil.copytree(run.duckdb.folder, folder, symlinks=True))
    for shop in (reference, run.other):
        path = shop.folder / "dbt_project.yml"
        content = YAML(typ="safe").load(path.read_text())
        content["vars"]["warehouse_seg"]["rooms"] = {"monitoring": True}
        path.write_text(json.dumps(content))
        shop.warehouse_seg("backfill", "--from", "2026-03-20", "--to", "2026-05-20")
        shop.warehouse_seg("backfill", "--from", "2026-03-20", "--to", "2026-04-20", "--again")
        shop.dbt("build", "--full-refresh", "--select", "package:warehouse_seg")
    return Twins(reference, run.other)


@pytest.mark.parametrize("name", HISTORY)
def test_history_and_movements_are_the_same(histories: Twins, name: str) -> None:
    expected, actual = (
        shop.tables({name: HISTORY[name]})[name] for shop in (histories.duckdb, histories.other)
    )
    if name == "seg_customer_movements":
        # Of customers who hardly moved the last digit says what rose most.
        both = (expected["most_rose_by"] > CLOSE).to_numpy()
        for column in NAMED_BY_A_LARGEST:
            assert list(expected[column][both]) == list(actual[column][both])
    left_out = [*STAMPS, *NAMED_BY_A_LARGEST]
    expected, actual = (
        frame[sorted(str(name) for name in frame if name not in left_out)]
        for frame in (expected, actual)
    )
    assert differences(expected, actual, CLOSE) == []
    assert len(expected) >= 5
    assert expected.get("as_of_date", pd.Series(range(3))).nunique() in (1, 3, 4)
