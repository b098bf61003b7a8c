"""What a scheduler sees: an exit code that tells the cases apart, results on stdout, and on stderr what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.corrupt_registry_rows import CORRUPTIONS, corrupting
from tests.shop_fixtures import Command, set_effective
from tests.small_shop import CREDENTIALS, Shop, Stages, environment_of
from warehouse_seg.dbt.project import DbtProject

COMMANDS = (
    ["run"],
    ["fit"],
    ["models"],
    ["activate", "1"],
    ["rollback"],
    ["compile"],
    ["profile"],
    ["explain", "1"],
    ["validate"],
    ["compare"],
)


# -------------------------------------------------------------------------- usage and configuration


@pytest.mark.parametrize("arguments", COMMANDS)
def test_outside_a_dbt_project(command: Command, tmp_path: Path, arguments: list[str]) -> None:
    done = command(Shop(tmp_path), *arguments)
    assert done.exit_code == 2
    assert f"no dbt_project.yml in {tmp_path}" in done.err
    assert "--project-dir" in done.err
    assert not done.out


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("{model: [", "--vars is not valid YAML"),
        ("[categories, 4]", "--vars takes a dictionary"),
        ("categories", "--vars takes a dictionary"),
        ("{categories: many}", "categories: Input should be a valid integer"),
    ],
)
def test_variables_on_the_command_line_that_are_none(
    command: Command, stages: Stages, arguments: list[str], variables: str, message: str
) -> None:
    done = command(stages.with_features(), *arguments, "--vars", variables)
    assert done.exit_code == 2
    assert message in done.err
    assert not done.out


def test_every_wrong_variable_is_named_at_once_with_the_nearest_valid_one(
    command: Command, features_shop: Shop
) -> None:
    features_shop.set_variable("modle", value=1)
    features_shop.set_variable("tiers", value={"dominnat": 0.7})
    features_shop.set_variable("model", "segments", value={"min": 5, "max": 3})
    done = command(features_shop, "fit")
    assert done.exit_code == 2
    assert "modle: no such variable; did you mean 'model'?" in done.err
    assert "tiers.dominnat: no such variable; did you mean 'dominant'?" in done.err
    assert "min 5 is greater than max 3" in done.err


def test_a_project_file_that_is_no_yaml(features_shop: Shop) -> None:
    (features_shop.folder / "dbt_project.yml").write_text("name: [")
    done = features_shop.warehouse_seg("fit")
    assert done.exit_code == 2
    assert "dbt cannot read the project and its profile" in done.err
    assert "Syntax error near line 2" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("content", ['{"nodes": {"mod', None])
def test_a_manifest_that_another_dbt_is_writing(
    command: Command, features_shop: Shop, content: str | None
) -> None:
    manifest = features_shop.folder / "target" / "manifest.json"
    manifest.unlink() if content is None else manifest.write_text(content)
    done = command(features_shop, "models")
    assert done.exit_code == 2
    assert "is another dbt working in this project?" in done.err


def test_a_package_that_is_not_installed(features_shop: Shop) -> None:
    (features_shop.folder / "packages.yml").unlink()
    (features_shop.folder / "dbt_packages" / "warehouse_seg").unlink()
    done = features_shop.warehouse_seg("models")
    assert done.exit_code == 2
    assert "not installed in this project; run `warehouse-seg init`" in done.err


def test_a_profile_that_is_not_there(features_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    done = features_shop.warehouse_seg("models", "--profiles-dir", str(tmp_path / "elsewhere"))
    assert done.exit_code == 2
    assert "Could not find profile named 'small_shop'" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (CREDENTIALS | {"path": ":memory:"}, "found the DuckDB path ':memory:'"),
        (CREDENTIALS | {"path": "absent.duckdb"}, "found no DuckDB file"),
        ({"type": "snowflake", "schema": "main"}, "found a profile of type snowflake"),
        ({"type": "postgre", "schema": "main"}, "did you mean 'postgres'?"),
    ],
)
def test_a_database_that_cannot_be_fitted_on(
    command: Command,
    stages: Stages,
    monkeypatch: pytest.MonkeyPatch,
    credentials: dict[str, Any],
    message: str,
) -> None:
    asked = property(lambda project: environment_of(project, credentials))
    monkeypatch.setattr(DbtProject, "environment", asked)
    done = command(stages.with_features(), "fit")
    assert done.exit_code == 2
    assert message in done.err


def test_an_option_that_typer_knows_nothing_of(command: Command, stages: Stages) -> None:
    assert command(stages.with_features(), "fit", "--refti").exit_code == 2
    assert command(stages.with_features(), "activate", "latest").exit_code == 2


# ---------------------------------------------------------------------------------- without a model


def test_models_before_the_first_fit(command: Command, stages: Stages) -> None:
    done = command(stages.with_features(), "models")
    assert done.exit_code == 0
    assert "no model is stored yet; run `warehouse-seg fit`" in done.out
    done = command(stages.with_features(), "models", "--json")
    expected: dict[str, object] = {
        "active": None,
        "models": [],
        "activations": [],
        "segment_matches": [],
        "warnings": {},
    }
    assert json.loads(done.out) == expected


def test_compile_before_the_first_fit(command: Command, stages: Stages) -> None:
    done = command(stages.with_features(), "compile")
    assert done.exit_code == 2
    assert "no model is active yet; run `warehouse-seg fit`" in done.err
    assert not done.out


@pytest.mark.parametrize("arguments", [["activate", "99"], ["compile", "--version", "99"]])
def test_a_version_that_is_not_stored(
    command: Command, stages: Stages, arguments: list[str]
) -> None:
    for shop, stored in ((stages.with_features(), "none"), (stages.scored(), r"[1]")):
        done = command(shop, *arguments)
        assert done.exit_code == 2
        assert f"found no such model version; stored versions: {stored}" in done.err
        assert not done.out


def test_rollback_without_a_history(command: Command, stages: Stages) -> None:
    for shop, active in ((stages.with_features(), "none"), (stages.scored(), "1")):
        done = command(shop, "rollback")
        assert done.exit_code == 2
        assert f"no version was active before the present one ({active})" in done.err


# --------------------------------------------------------------------------------- what fit refuses


def test_a_fit_of_which_every_candidate_is_refused_changes_nothing(
    command: Command, scored_shop: Shop
) -> None:
    set_effective(scored_shop, model={"min_segment_share": 0.9})
    done = command(scored_shop, "fit", "--reselect", "--json")
    assert done.exit_code == 3
    assert "every candidate was refused, nothing was stored" in done.err
    assert "2 full: refused: smallest segment" in done.err
    assert "`model.min_segment_share`" in done.err
    assert not done.out
    assert scored_shop.rows("select count(*) from seg_models") == [(1,)]
    assert scored_shop.active_version() == 1


def test_a_refit_with_too_small_a_segment_changes_nothing(
    command: Command, scored_shop: Shop
) -> None:
    set_effective(scored_shop, model={"min_segment_share": 0.9})
    done = command(scored_shop, "fit", "--json")
    assert done.exit_code == 3
    assert "the refit of version 1 was refused: smallest segment" in done.err
    assert "`warehouse-seg fit --reselect`" in done.err
    assert not done.out
    assert scored_shop.rows("select count(*) from seg_models") == [(1,)]
    assert scored_shop.active_version() == 1


def test_a_refused_first_fit_makes_no_registry(command: Command, features_shop: Shop) -> None:
    set_effective(features_shop, model={"min_segment_share": 0.9})
    assert command(features_shop, "fit").exit_code == 3
    assert not features_shop.rows(
        "from information_schema.tables where table_name like 'seg_model%'"
    )


ORDER_FEATURES = [{"name": n} for n in ("recency_days", "order_count", "average_order_value")]
"""Named by the user; what nobody named and what tells no customers apart is left out instead."""

FEW = "delete from seg_customer_rfm where customer_id > {}"


@pytest.mark.parametrize(
    ("harm", "model", "message"),
    [
        (FEW.format(40), {}, "measured for 40 customers, needed at least 50"),
        (FEW.format(0), {}, "found no customer in seg_customer_features"),
        (
            "update seg_customer_rfm set recency_days = 7",
            {"features": ORDER_FEATURES},
            "feature recency_days is constant (7)",
        ),
        (
            "update seg_customer_rfm set average_order_value = 'nan'",
            {"features": ORDER_FEATURES},
            "feature average_order_value is measured for 0 customers",
        ),
        (
            "select 1",
            {"features": [{"name": "recency"}]},
            "found no column recency among the features; did you mean 'recency_days'?",
        ),
        (
            "drop table seg_customer_rfm",
            {},
            "the features are not built yet. Run `dbt build`",
        ),
    ],
    ids=["few customers", "no customer", "constant", "nothing measured", "no column", "no table"],
)
def test_features_that_cannot_be_fitted_on(
    command: Command, features_shop: Shop, harm: str, model: dict[str, Any], message: str
) -> None:
    features_shop.execute(harm)
    set_effective(features_shop, model=model)
    done = command(features_shop, "fit")
    assert done.exit_code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert not done.out


def test_a_feature_that_is_text(command: Command, features_shop: Shop) -> None:
    """Of a ready table: the package's own features are numbers."""
    features_shop.execute(
        "create or replace table seg_customer_features as "
        "select customer_id, as_of_date, recency_days, 'gold' as \"Status; 'quoted'\" from seg_customer_rfm"
    )
    chosen = {"features": [{"name": "recency_days"}, {"name": "Status; 'quoted'"}]}
    set_effective(features_shop, transactions=None, feature_table="customers", model=chosen)
    done = command(features_shop, "fit")
    assert done.exit_code == 2
    assert "feature Status; 'quoted' is VARCHAR, not a number" in done.err
    assert "Leave it out of `model.features`" in done.err


def test_few_customers_are_a_warning_and_a_model(command: Command, features_shop: Shop) -> None:
    features_shop.execute(FEW.format(400))
    done = command(features_shop, "fit")
    assert done.exit_code == 0
    assert "warning: 400 customers are few for a mixture (at least 500 are comfortable)" in done.err
    assert "warning" not in done.out


def test_enough_customers_are_no_warning(command: Command, features_shop: Shop) -> None:
    assert "are few for a mixture" not in command(features_shop, "fit").err


# --------------------------------------------------------------------- a registry that is elsewhere


def move_registry(shop: Shop, schema: str) -> None:
    """What `registry_schema` does to the manifest."""
    path = shop.folder / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    for source in manifest["sources"].values():
        if source["package_name"] == "warehouse_seg":
            source["schema"] = schema
            source["relation_name"] = f'"shop"."{schema}"."{source["name"]}"'
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("named", [[], ["--registry", "prod"], ["--registry", "main"]])
@pytest.mark.parametrize("arguments", [["fit"], ["activate", "1"], ["rollback"]])
def test_a_foreign_registry_is_written_only_when_it_is_named(
    command: Command, features_shop: Shop, arguments: list[str], named: list[str]
) -> None:
    move_registry(features_shop, "production")
    done = command(features_shop, *arguments, *named)
    assert done.exit_code == 2
    assert "repeat its name: --registry production" in done.err
    assert not features_shop.rows(
        "from information_schema.schemata where schema_name = 'production'"
    )


def test_a_foreign_registry_that_is_named_is_written(command: Command, features_shop: Shop) -> None:
    move_registry(features_shop, "production")
    assert command(features_shop, "fit", "--registry", "production").exit_code == 0
    assert features_shop.rows("select model_version from production.seg_models") == [(1,)]
    assert not features_shop.rows(
        "from information_schema.tables where table_schema = 'main' and table_name like 'seg_model%'"
    )
    done = command(features_shop, "models", "--json")
    assert json.loads(done.out)["active"] == 1


# --------------------------------------------------------------------------------- corrupted registry


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupt_model_is_not_compiled(command: Command, scored_shop: Shop, name: str) -> None:
    scored_shop.execute(corrupting(CORRUPTIONS[name], "main", 1))
    done = command(scored_shop, "compile")
    assert done.exit_code == 2
    assert "model version 1" in done.err
    assert "Traceback" not in done.err
    assert not done.out


def test_a_fit_is_the_way_out_of_a_corrupt_registry(command: Command, scored_shop: Shop) -> None:
    scored_shop.execute(corrupting(CORRUPTIONS["SQL for a number"], "main", 1))
    done = command(scored_shop, "fit")
    assert done.exit_code == 0
    assert "warning: model version 1 in the registry cannot be used" in done.err
    assert scored_shop.active_version() == 2
    assert command(scored_shop, "compile").exit_code == 0


@pytest.mark.parametrize("content", ["{}", "[", None])
def test_a_model_file_that_is_none(
    command: Command, stages: Stages, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "model.json"
    if content is not None:
        file.write_text(content)
    done = command(stages.with_features(), "compile", "--model", str(file))
    assert done.exit_code == 2
    assert f"{file} holds no model" in done.err


def test_an_unknown_dialect(command: Command, stages: Stages) -> None:
    done = command(stages.scored(), "compile", "--dialect", "postgre")
    assert done.exit_code == 2
    assert "did you mean 'postgres'?" in done.err


# ------------------------------------------------------------------------------------------ results


def test_json_stands_alone_on_stdout(command: Command, features_shop: Shop) -> None:
    model = json.loads(command(features_shop, "fit", "--json", "--notes", "first").out)
    assert model["training"]["notes"] == "first"
    assert {"chosen"} < {candidate["status"] for candidate in model["candidates"]}
    listed = json.loads(command(features_shop, "models", "--json").out)
    assert listed["active"] == model["model_version"] == 1
    assert [row["model_version"] for row in listed["models"]] == [1]
    assert [row["action"] for row in listed["activations"]] == ["fit"]


def test_a_printed_model_compiles_to_the_stored_ones_sql(
    command: Command, features_shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "model.json"
    file.write_text(command(features_shop, "fit", "--json").out)
    stored = command(features_shop, "compile").out
    assert stored.startswith("-- Model version 1, fingerprint ")
    assert command(features_shop, "compile", "--model", str(file)).out == stored
    assert command(features_shop, "compile", "--version", "1").out == stored


def test_activate_and_rollback_are_rows_of_the_history(command: Command, scored_shop: Shop) -> None:
    awkward = "it's [bold]back[/wrong]\n; drop table seg_models"
    for _ in range(2):
        assert command(scored_shop, "fit", "--notes", awkward).exit_code == 0
    assert scored_shop.active_version() == 3
    assert "model version 2 is active" in command(scored_shop, "rollback", "--reason", awkward).out
    assert "model version 1 is active" in command(scored_shop, "rollback").out
    done = command(scored_shop, "rollback")
    assert done.exit_code == 2
    assert "no version was active before the present one (1)" in done.err
    assert "model version 3 is active" in command(scored_shop, "activate", "3").out
    assert "model version 1 is active" in command(scored_shop, "rollback").out
    done = command(scored_shop, "models")
    assert done.exit_code == 0
    assert "[bold]back[/wrong]" in done.out
    activations = json.loads(command(scored_shop, "models", "--json").out)["activations"]
    assert [(row["action"], row["model_version"], row["reason"]) for row in activations] == [
        ("rollback", 1, ""),
        ("activate", 3, ""),
        ("rollback", 1, ""),
        ("rollback", 2, awkward),
        ("fit", 3, awkward),
        ("fit", 2, awkward),
        ("fit", 1, ""),
    ]
