"""In somebody else's dbt project every command of dbt behaves, before and after the first fit.

The project has a schema and a materialization for everything, models, a data test and a unit test of its own, a package
of its own, variables for all packages and for itself, and a key of another name and type than the package's default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dbt.foreign import DATABASE, MAPPING, PACKAGE, SETTINGS, ForeignProject, Stages
from tests.dbt_folder import succeeded
from warehouse_seg.registry.tables import TABLES

NODES = Path(__file__).with_name("foreign_project_nodes.txt")
SCORES = f"model.{PACKAGE}.seg_customer_scores"
TABLES_OF_SCORES = (
    "seg_customer_memberships",
    "seg_customer_reasons",
    "seg_customer_scores",
    "seg_customer_segments",
    "seg_segment_profiles",
    "seg_segments",
)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages.of_this_run(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def installed(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> ForeignProject:
    """One copy for many tests, which change nothing that dbt reads."""
    return stages.installed("bigint").copy(tmp_path_factory.mktemp("installed") / "project")


@pytest.fixture
def fitted(stages: Stages, tmp_path: Path) -> ForeignProject:
    return stages.fitted("bigint").copy(tmp_path / "project")


# --------------------------------------------------------------------------------------- what is added


def added_nodes(manifest: dict[str, Any]) -> list[str]:
    """Kind and name of everything enabled that a manifest holds of the package, but for macros and doc blocks."""
    inner = {"macros", "docs", "files", "disabled", "parent_map", "child_map"}
    return sorted(
        f"{node['resource_type']} {node['name']}"
        for kind, nodes in manifest.items()
        if kind not in inner and isinstance(nodes, dict)
        for node in nodes.values()
        if isinstance(node, dict) and node.get("package_name") == PACKAGE
        if node["config"]["enabled"]
    )


def test_the_package_adds_the_nodes_of_the_committed_list(installed: ForeignProject) -> None:
    added = added_nodes(installed.artifact("manifest"))
    assert added == NODES.read_text().splitlines(), "\n".join(added)


def test_reasons_can_be_left_out(stages: Stages, tmp_path: Path) -> None:
    project = stages.installed("bigint").copy(tmp_path / "project")
    project.set((*SETTINGS, "reasons"), False)

    succeeded(project.dbt("--warn-error", "parse"))

    without = [
        line for line in NODES.read_text().splitlines() if "seg_customer_reasons" not in line
    ]
    assert len(without) < len(NODES.read_text().splitlines())
    assert added_nodes(project.artifact("manifest")) == without


MONITORING_NODES = [
    "model seg_customer_movements",
    "model seg_customer_next_segments",
    "model seg_membership_history",
    "model seg_segment_durations",
    "model seg_segment_history",
    "model seg_segment_paths",
    "model seg_segment_transitions",
    "test seg_customer_movements_key",
    "test seg_customer_movements_ranges",
    "test seg_customer_next_segments_key",
    "test seg_membership_history_basis",
    "test seg_membership_history_key",
    "test seg_segment_durations_ranges",
    "test seg_segment_history_key",
    "test seg_segment_history_ranges",
    "test seg_segment_paths_ranges",
    "test seg_segment_transitions_ranges",
]


def test_history_is_built_where_it_is_switched_on(stages: Stages, tmp_path: Path) -> None:
    """In a schema of its own, with a key of another name; an empty build, a night, a full refresh."""
    project = stages.fitted("bigint").copy(tmp_path / "project")
    project.set((*SETTINGS, "rooms"), {"monitoring": True})

    for arguments in (("build", "--empty"), ("build",), ("build", "--full-refresh")):
        succeeded(project.dbt("--warn-error", *arguments, "--select", f"package:{PACKAGE}"))

    added = set(added_nodes(project.artifact("manifest"))) - set(NODES.read_text().splitlines())
    assert sorted(added) == MONITORING_NODES
    assert project.contents("seg_segment_history")
    assert len(project.contents("seg_customer_next_segments")) == len(
        project.contents("seg_customer_segments")
    )


def test_sources_have_no_tests_and_no_freshness(installed: ForeignProject) -> None:
    manifest = installed.artifact("manifest")
    ours = {
        name: source
        for name, source in manifest["sources"].items()
        if source["package_name"] == PACKAGE
    }
    assert len(ours) == len(TABLES) + 1
    assert {source["loaded_at_field"] for source in ours.values()} == {None}
    tested = {
        parent
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        for parent in node["depends_on"]["nodes"]
    }
    assert not tested & set(ours)


def test_the_vendored_copy_is_read_as_a_package_only(installed: ForeignProject) -> None:
    manifest = installed.artifact("manifest")
    paths = [
        (node["package_name"], node["original_file_path"])
        for kind in ("nodes", "sources", "macros", "docs", "unit_tests")
        for node in manifest[kind].values()
    ]
    assert not [path for _, path in paths if "vendor" in path]
    of_project, of_package = (
        {path for package, path in paths if package == name} for name in ("harbour_books", PACKAGE)
    )
    assert of_project
    assert not of_project & of_package


def materializations(project: ForeignProject, package: str) -> dict[str, str]:
    return {
        node["name"]: f"{node['config']['materialized']} in {node['schema']}"
        for node in project.artifact("manifest")["nodes"].values()
        if (node["package_name"], node["resource_type"]) == (package, "model")
    }


def test_neither_changes_how_the_other_is_materialized(installed: ForeignProject) -> None:
    assert materializations(installed, "harbour_books") == {
        "basket_lines": "view in harbour_analytics",
        "readers": "table in harbour_analytics",
    }
    ours = materializations(installed, PACKAGE)
    assert ours.pop("stg_seg__transactions") == "view in harbour_analytics"
    assert set(ours.values()) == {"table in harbour_analytics"}


def test_a_package_that_is_installed_and_not_set_up_adds_no_enabled_model(
    stages: Stages, tmp_path: Path
) -> None:
    project = stages.installed("bigint").copy(tmp_path / "project")
    definition = (project.folder / "dbt_project.yml").read_text()
    (project.folder / "dbt_project.yml").write_text(definition.split("    warehouse_seg:")[0])

    succeeded(project.dbt("--warn-error", "parse"))

    added = added_nodes(project.artifact("manifest"))
    assert {line.split()[0] for line in added} == {"source"}


# ------------------------------------------------------------------------------------------- variables


def effective(project: ForeignProject) -> dict[str, object]:
    nodes = project.artifact("manifest")["nodes"]
    settings: dict[str, object] = nodes[f"model.{PACKAGE}.seg_customer_features"]["config"]["meta"][
        PACKAGE
    ]
    return settings


def test_one_key_of_a_nested_variable_in_the_project_leaves_the_others_at_their_default(
    installed: ForeignProject,
) -> None:
    settings = effective(installed)
    assert settings["model"] == {
        "features": None,
        "prefer": "predictive",
        "segments": {"min": 2, "max": 2},
        "covariance": ["full"],
        "weight": None,
        "missing_patterns": 32,
        "sample_size": 20000,
        "seed": 1,
        "min_segment_share": 0.02,
        "min_kept_share": 0.8,
    }
    assert settings["columns"] == {**MAPPING["columns"], "amount": "amount", "revenue": None}
    assert settings["tiers"] == {"dominant": 0.7, "hybrid": 0.3}


def test_one_key_of_a_nested_variable_on_the_command_line_leaves_the_others_at_their_default(
    fitted: ForeignProject,
) -> None:
    before = fitted.contents("seg_customer_segments")
    given = ("--vars", "{tiers: {dominant: 0.999999}}")

    succeeded(fitted.dbt("run", "--select", "seg_customer_segments", *given))

    assert effective(fitted)["tiers"] == {"dominant": 0.999999, "hybrid": 0.3}
    assert fitted.contents("seg_customer_segments") != before
    wrong = "(action_tier = 'dominant') <> (membership >= 0.999999)"
    wrong += " or action_tier = 'hybrid' and runner_up_membership < 0.3"
    assert not fitted.rows(f"from harbour_analytics.seg_customer_segments where {wrong}")


def test_a_misspelt_nested_key_is_an_error_with_the_nearest(installed: ForeignProject) -> None:
    done = installed.warehouse_seg("run", "--vars", "{tiers: {dominnat: 0.7}}")
    assert done.exit_code == 2
    assert "tiers.dominnat: no such variable; did you mean 'dominant'?" in done.err


# ---------------------------------------------------------------------------------- before the first fit


@pytest.mark.parametrize("command", [("parse",), ("compile",), ("docs", "generate")])
def test_on_an_empty_database(installed: ForeignProject, command: tuple[str, ...]) -> None:
    succeeded(installed.dbt("--warn-error", *command))
    made = (installed.folder / DATABASE).exists()
    assert not made or not installed.rows("from information_schema.tables")


def test_build_empty_before_the_first_fit(stages: Stages, tmp_path: Path) -> None:
    project = stages.loaded("bigint").copy(tmp_path / "project")
    succeeded(project.dbt("build", "--empty"))
    assert set(project.statuses().values()) == {"success", "pass"}
    for model in (*TABLES_OF_SCORES, "seg_customer_features", "readers"):
        assert project.contents(model) == []


def test_a_build_without_a_model_fails_where_it_needs_one_and_builds_everything_else(
    stages: Stages,
) -> None:
    project = stages.unfitted("bigint")
    manifest, statuses = project.artifact("manifest"), project.statuses()
    after_scores = {SCORES}
    for node in statuses:
        if after_scores & set(manifest["parent_map"][node]):
            after_scores.add(node)

    assert [name for name, status in statuses.items() if status == "error"] == [SCORES]
    assert {statuses[name] for name in after_scores - {SCORES}} == {"skipped"}
    assert {statuses[name] for name in statuses.keys() - after_scores} == {"success", "pass"}
    assert len(project.contents("readers")) == len(project.contents("seg_customer_features")) > 1000

    (message,) = (
        result["message"]
        for result in project.artifact("run_results")["results"]
        if result["status"] == "error"
    )
    assert "no segment model is active in schema 'harbour'" in message
    assert "`warehouse-seg fit`" in message
    assert "`allow_missing_model: true`" in message


def test_where_a_missing_model_is_allowed_the_tables_are_empty_and_a_warning_says_so(
    stages: Stages, tmp_path: Path
) -> None:
    project = stages.unfitted("bigint").copy(tmp_path / "project")
    given = ("--vars", "{allow_missing_model: true}")
    done = succeeded(project.dbt("build", "--select", "seg_customer_scores+", *given))
    assert done.stderr.count("no segment model is active in schema 'harbour'") == 1
    for model in TABLES_OF_SCORES:
        assert project.contents(model) == []
    assert project.columns("seg_customer_segments")["customer_id"] == "BIGINT"


# ----------------------------------------------------------------------------------- after the first fit


def test_retry_after_the_fit_builds_what_had_failed_and_nothing_else(stages: Stages) -> None:
    before, after = stages.unfitted("bigint").statuses(), stages.fitted("bigint").statuses()
    assert after.keys() == {n for n, status in before.items() if status in ("error", "skipped")}
    assert set(after.values()) == {"success", "pass"}


def test_retry_after_a_failure_upstream_builds_everything(fitted: ForeignProject) -> None:
    before = fitted.contents("seg_customer_segments")
    fitted.execute("alter table raw.basket_lines rename to mislaid")
    assert fitted.dbt("build").exit_code == 1
    fitted.execute("alter table raw.mislaid rename to basket_lines")

    succeeded(fitted.dbt("retry"))

    assert SCORES in fitted.statuses()
    assert fitted.contents("seg_customer_segments") == before


def test_an_empty_build_and_a_full_refresh_give_the_same_tables_again(
    fitted: ForeignProject,
) -> None:
    tables = (*TABLES_OF_SCORES, "seg_customer_features")
    before = {table: fitted.contents(table) for table in tables}
    assert all(before.values())

    succeeded(fitted.dbt("build", "--empty"))
    assert (
        fitted.contents("seg_customer_features") == fitted.contents("seg_customer_segments") == []
    )
    assert set(fitted.rows("select customers from harbour_analytics.seg_segments")) == {(0,)}

    succeeded(fitted.dbt("build", "--full-refresh"))
    assert {table: fitted.contents(table) for table in tables} == before


def test_compile_and_docs_after_the_fit_show_the_scoring_sql(fitted: ForeignProject) -> None:
    succeeded(fitted.dbt("docs", "generate"))
    compiled = fitted.artifact("manifest")["nodes"][SCORES]["compiled_code"]
    assert "membership_s2" in compiled
    columns = fitted.artifact("catalog")["nodes"][SCORES]["columns"]
    assert {"membership_s1", "membership_s2", "log_density"} <= columns.keys()


def test_the_whole_job_in_one_command_keeps_the_keys_type(stages: Stages, tmp_path: Path) -> None:
    project = stages.loaded("uuid").copy(tmp_path / "project")

    done = succeeded(project.warehouse_seg("run"))

    assert "✓ model fitted" in done.err
    assert "✓ segments built and tested" in done.err
    assert_scored(project, "UUID")
    wrong = "(action_tier = 'dominant') <> (membership >= 0.7)"
    assert not project.rows(f"from harbour_analytics.seg_customer_segments where {wrong}")


def test_a_build_with_a_model_from_elsewhere_keeps_the_keys_type(
    stages: Stages, tmp_path: Path
) -> None:
    project = stages.loaded("varchar").copy(tmp_path / "project")
    elsewhere = stages.fitted("bigint").folder / DATABASE
    # No score depends on these two, so that a registry need not have them.
    tables = set(TABLES) - {"seg_model_candidates", "seg_model_segment_matches"}
    project.execute(
        f"attach '{elsewhere}' as elsewhere (read_only); create schema harbour;"
        + "".join(
            f"create table harbour.{table} as from elsewhere.harbour.{table};" for table in tables
        )
    )

    succeeded(project.dbt("build"))

    assert_scored(project, "VARCHAR")


def assert_scored(project: ForeignProject, key_type: str) -> None:
    for model in ("seg_customer_features", "seg_customer_scores", "seg_customer_segments"):
        assert project.columns(model)["customer_id"] == key_type
    bought = "from harbour_analytics.basket_lines where reader_no is not null"
    readers = project.rows(f"select distinct reader_no {bought} order by 1")
    scored = "from harbour_analytics.seg_customer_segments"
    assert project.rows(f"select customer_id {scored} order by 1") == readers


def test_scoring_warns_where_the_projects_own_setting_makes_it_a_view(
    fitted: ForeignProject,
) -> None:
    before = fitted.contents("seg_customer_scores")
    lines = (
        "  warehouse_seg:\n    +materialized: table\n    staging:\n      +materialized: view\n"
        "    monitoring:\n      history:\n        +materialized: incremental\n"
    )
    fitted.replace_text(lines, "")

    done = succeeded(fitted.dbt("run", "--select", "seg_customer_scores"))

    assert "seg_customer_scores is materialized as view" in done.stderr
    assert "`models: warehouse_seg: +materialized: table`" in done.stderr
    assert fitted.contents("seg_customer_scores") == before
