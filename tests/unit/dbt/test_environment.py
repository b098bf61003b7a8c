"""What dbt has in effect is asked of dbt: variables of the environment, Jinja, folders, attachments, settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse_seg.dbt.project import DbtProject, default_project_dir
from warehouse_seg.errors import UsageError

DEV = {"type": "duckdb", "path": "dev.duckdb"}
PROD = {
    "type": "duckdb",
    "path": "prod.duckdb",
    "attach": [{"path": "lake.duckdb", "alias": "lake"}],
    "settings": {"TimeZone": "Asia/Tokyo", "default_order": "desc"},
}
PROFILES = {
    "shop": {"target": "dev", "outputs": {"dev": DEV, "prod": PROD}},
    "other": {"target": "only", "outputs": {"only": DEV | {"path": "~/other.duckdb"}}},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, seen from its own folder; JSON is YAML."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dbt_project.yml").write_text(json.dumps({"name": "shop", "profile": "shop"}))
    (tmp_path / "profiles.yml").write_text(json.dumps(PROFILES))
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "expected"),
    {
        "nothing": ({}, {"target": "dev", "profile": "shop", "target_path": "target"}),
        "a target": ({"DBT_TARGET": "prod"}, {"target": "prod"}),
        "a profile": ({"DBT_PROFILE": "other"}, {"profile": "other", "target": "only"}),
        "a target path": ({"DBT_TARGET_PATH": "made"}, {"target_path": "made"}),
        "a log path": ({"DBT_LOG_PATH": "said"}, {"log_path": "said"}),
        "all at once": (
            {"DBT_TARGET": "prod", "DBT_TARGET_PATH": "made", "DBT_PROFILE": "shop"},
            {"target": "prod", "target_path": "made"},
        ),
    }.values(),
)
def test_variables_of_the_environment(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    expected: dict[str, str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    environment = DbtProject().environment
    for name, value in expected.items():
        path = name.endswith("_path")
        assert getattr(environment, name) == (str(folder / value) if path else value)


def test_a_folder_of_profiles_from_the_environment(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("profiles")
    moved = {"shop": {"target": "night", "outputs": {"night": DEV}}}
    (elsewhere / "profiles.yml").write_text(json.dumps(moved))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(elsewhere))
    environment = DbtProject().environment
    assert (environment.profiles_dir, environment.target) == (str(elsewhere), "night")


def test_what_the_user_says_comes_before_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET", "nothing")
    assert DbtProject(target="prod").environment.target == "prod"


def test_jinja_in_the_project_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_ARTIFACTS", "rendered")
    content = {
        "name": "shop",
        "profile": "{{ env_var('SHOP_PROFILE', 'other') }}",
        "target-path": "{{ env_var('SHOP_ARTIFACTS') }}",
    }
    (folder / "dbt_project.yml").write_text(json.dumps(content))
    environment = DbtProject().environment
    assert environment.profile == "other"
    assert environment.target_path == str(folder / "rendered")


def test_from_another_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile beside the project is found, and relative paths are those of the project."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    project = DbtProject(project_dir=folder)
    assert project.environment.credentials["path"] == str(folder / "dev.duckdb")
    # Where the folder has the profile, dbt works in it, and the database is there.
    (elsewhere / "profiles.yml").write_text(json.dumps(PROFILES))
    project = DbtProject(project_dir=folder)
    assert project.environment.credentials["path"] == str(elsewhere / "dev.duckdb")
    assert project.environment.target_path == str(folder / "target")


def test_the_project_from_the_environment_or_from_above(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "models").mkdir()
    monkeypatch.chdir(folder / "models")
    assert default_project_dir() == folder
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("DBT_PROJECT_DIR", str(elsewhere))
    assert default_project_dir() == elsewhere


def test_the_home_folder_in_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    environment = DbtProject(profile="other").environment
    assert environment.credentials["path"] == str(folder / "other.duckdb")


@pytest.fixture
def lake(folder: Path) -> Path:
    """The database that `prod` attaches, and prod's own."""
    with duckdb.connect(str(folder / "lake.duckdb")) as database:
        database.execute("create table lines as select 1 as customer_id")
    with duckdb.connect(str(folder / "prod.duckdb")) as database:
        database.execute("create table features as select 2 as customer_id")
    return folder


def rows(*, read_only: bool, query: str) -> list[dict[str, Any]]:
    with DbtProject(target="prod").warehouse(read_only=read_only) as warehouse:
        return warehouse.rows(query)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_connection_is_opened_as_dbt_opens_it(lake: Path, read_only: bool) -> None:
    query = """
    select lines.customer_id, current_setting('TimeZone') as zone, current_setting('default_order') as default_order
    from lake.main.lines
    """
    (row,) = rows(read_only=read_only, query=query)
    assert row == {"customer_id": 1, "zone": "Asia/Tokyo", "default_order": "DESC"}


def test_an_attached_file_is_read_while_somebody_else_reads_it(lake: Path) -> None:
    with duckdb.connect(str(lake / "lake.duckdb"), read_only=True):
        (row,) = rows(read_only=True, query="select customer_id from lake.main.lines")
    assert row == {"customer_id": 1}


@pytest.mark.parametrize(
    ("profiles", "message"),
    [
        ({"another": {}}, "Could not find profile named 'shop'"),
        ({"shop": {"target": "prod", "outputs": {"dev": DEV}}}, "does not have a target named"),
        ({"shop": {"outputs": {"default": DEV | {"path": "{{ env_var('SHOP') }}"}}}}, "'SHOP'"),
        ({"shop": {"target": "dev", "outputs": {"dev": {"type": "nosuch"}}}}, "nosuch"),
        ({"shop": {"target": "dev"}}, "outputs"),
    ],
)
def test_a_profile_that_dbt_refuses(folder: Path, profiles: Any, message: str) -> None:
    (folder / "profiles.yml").write_text(json.dumps(profiles))
    with pytest.raises(UsageError, match="dbt cannot read the project and its profile") as refused:
        _ = DbtProject().environment
    assert message in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_project_that_is_worked_on_in_its_own_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo is such a one: its database is its own wherever the person stands."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "profiles.yml").write_text(json.dumps(PROFILES))
    monkeypatch.chdir(elsewhere)
    project = DbtProject(project_dir=folder, profiles_dir=folder, called_from=folder)
    assert project.environment.working_dir == str(folder)
    assert project.environment.credentials["path"] == str(folder / "dev.duckdb")


@pytest.mark.parametrize("name", ["dbt", "json", "click", "warehouse_seg", "dataclasses"])
def test_a_module_of_the_project_is_not_taken_for_dbts(folder: Path, name: str) -> None:
    """Projects have folders and scripts of any name, and Python would look there first."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("raise SystemExit('the wrong module')")
    assert DbtProject().environment.target == "dev"
