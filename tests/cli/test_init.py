"""`warehouse-seg init` adds the package to somebody's dbt project, and changes nothing else of it."""

from __future__ import annotations

import difflib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console
from ruamel.yaml import YAML

from warehouse_seg.cli import app as cli
from warehouse_seg.cli import project_commands
from warehouse_seg.cli.reporter import Reporter
from warehouse_seg.commands.init import init
from warehouse_seg.dbt.package_copy import VENDORED, contents
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.resources import dbt_package_path

FOREIGN = Path(__file__).resolve().parents[1] / "dbt" / "foreign_project"
CHOSEN = {"transactions": "basket_lines", "customer_id_type": "bigint"}

Files = dict[str, bytes]


@pytest.fixture
def project(tmp_path: Path) -> DbtProject:
    shutil.copytree(FOREIGN, tmp_path / "project")
    return DbtProject(project_dir=tmp_path / "project")


def files(project: DbtProject) -> Files:
    folder = project.project_dir
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def content(project: DbtProject, name: str = "dbt_project.yml") -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load((project.project_dir / name).read_text())
    return read


def settings(project: DbtProject) -> dict[str, Any]:
    block: dict[str, Any] = content(project)["vars"]["warehouse_seg"]
    return block


def write(project: DbtProject, name: str, text: str) -> None:
    (project.project_dir / name).write_text(text)


def reopened(project: DbtProject) -> DbtProject:
    """As the next call of the program sees it: a DbtProject reads dbt_project.yml once."""
    return DbtProject(project_dir=project.project_dir)


# ------------------------------------------------------------------------------------- what is written


def test_lines_are_added_and_none_is_changed(project: DbtProject) -> None:
    before = files(project)
    init(project, CHOSEN)
    after = files(project)

    for name in before:
        lines = before[name].decode().splitlines(), after[name].decode().splitlines()
        assert not [line for line in difflib.ndiff(*lines) if line.startswith(("- ", "? "))]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"dbt_project.yml", "packages.yml"}
    assert all(name.startswith(f"{VENDORED}/") for name in after.keys() - before.keys())


def test_the_package_its_variables_and_its_materialization_are_there(project: DbtProject) -> None:
    init(project, CHOSEN)
    assert settings(project) == CHOSEN
    assert content(project)["models"]["warehouse_seg"] == {
        "+materialized": "table",
        "staging": {"+materialized": "view"},
        "monitoring": {"history": {"+materialized": "incremental"}},
    }
    packages = [{"local": "internal/money"}, {"local": "vendor/warehouse_seg"}]
    assert content(project, "packages.yml") == {"packages": packages}
    assert contents(project.project_dir / VENDORED) == contents(dbt_package_path())


def test_the_difference_is_shown(project: DbtProject, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(
        project_commands, "out", Console(file=shown, soft_wrap=True, highlight=False)
    )
    folder = str(project.project_dir)
    options = ["--transactions", "raw.basket_lines", "--customer-id-type", "bigint"]

    cli.app(["init", *options, "--project-dir", folder], obj=Reporter(), standalone_mode=False)

    text = shown.getvalue()
    assert "vendor/warehouse_seg: copied the dbt package" in text
    assert "\n+- local: vendor/warehouse_seg\n" in text
    assert "\n+        transactions: [raw, basket_lines]\n" in text
    assert not [line for line in text.splitlines() if line.startswith("-") and line[:3] != "---"]


def test_a_second_time_changes_nothing(project: DbtProject) -> None:
    assert len(init(project, CHOSEN)) == 3
    before = files(project)
    assert init(reopened(project), CHOSEN) == []
    assert init(reopened(project), {}) == []
    assert files(project) == before


def test_variables_that_are_there_are_kept_and_said(project: DbtProject) -> None:
    init(project, CHOSEN)
    messages: list[str] = []
    other = {"transactions": "readers", "customer_id_type": "uuid"}
    assert init(reopened(project), other, lambda event: messages.append(event.text)) == []
    assert settings(project) == CHOSEN
    assert "transactions stays basket_lines, as dbt_project.yml has it" in messages


def test_a_materialization_that_was_chosen_is_kept(project: DbtProject) -> None:
    text = (project.project_dir / "dbt_project.yml").read_text()
    chosen = "models:\n  warehouse_seg: {+materialized: view}  # we know"
    write(project, "dbt_project.yml", text.replace("models:", chosen, 1))
    init(project, CHOSEN)
    history = {"history": {"+materialized": "incremental"}}
    assert content(project)["models"]["warehouse_seg"] == {
        "+materialized": "view",
        "monitoring": history,
    }


def test_a_project_of_an_earlier_release_gets_the_line_for_history(project: DbtProject) -> None:
    text = (project.project_dir / "dbt_project.yml").read_text()
    earlier = "models:\n  warehouse_seg:\n    +materialized: table\n    staging:\n      +materialized: view\n"
    write(project, "dbt_project.yml", text.replace("models:\n", earlier, 1))
    init(project, CHOSEN)
    assert content(project)["models"]["warehouse_seg"] == {
        "+materialized": "table",
        "staging": {"+materialized": "view"},
        "monitoring": {"history": {"+materialized": "incremental"}},
    }


# -------------------------------------------------------------------------------------- which file lists


@pytest.mark.parametrize(
    ("before", "listed_in"),
    [
        ({}, "packages.yml"),
        ({"packages.yml": "packages:\n  - local: internal/money\n"}, "packages.yml"),
        ({"dependencies.yml": "packages:\n  - local: internal/money\n"}, "dependencies.yml"),
        ({"dependencies.yml": "projects:\n  - name: other\n"}, "packages.yml"),
        (
            {
                "dependencies.yml": "projects:\n  - name: other\n",
                "packages.yml": "packages:\n  - local: internal/money\n",
            },
            "packages.yml",
        ),
    ],
)
def test_the_package_joins_the_list_that_dbt_reads(
    project: DbtProject, before: dict[str, str], listed_in: str
) -> None:
    """dbt takes `packages` from dependencies.yml or from packages.yml, and two lists are an error."""
    (project.project_dir / "packages.yml").unlink()
    for name, text in before.items():
        write(project, name, text)
    init(project, CHOSEN)
    assert content(project, listed_in)["packages"][-1] == {"local": "vendor/warehouse_seg"}
    (other,) = {"packages.yml", "dependencies.yml"} - {listed_in}
    path = project.project_dir / other
    assert (path.read_text() if path.exists() else None) == before.get(other)


@pytest.mark.parametrize(
    "package",
    [
        "{git: 'https://example.com/warehouse-seg.git', subdirectory: dbt_project, revision: v1}",
        "{local: ../elsewhere/warehouse_seg}",
    ],
)
def test_a_package_installed_from_elsewhere_is_not_copied(
    project: DbtProject, package: str
) -> None:
    write(project, "packages.yml", f"packages:\n  - {package}\n")
    (change,) = init(project, CHOSEN)
    assert change.path == Path("dbt_project.yml")
    assert not (project.project_dir / "vendor").exists()


@pytest.mark.parametrize(
    "package",
    [
        {"git": "https://example.com/mono.git", "subdirectory": "analytics/pkg"},
        {"tarball": "https://example.com/releases/1.tgz"},
        {"local": "../shared/segments"},
    ],
)
def test_a_package_of_a_repository_of_another_name_is_not_copied(
    project: DbtProject, package: dict[str, str]
) -> None:
    write(project, "packages.yml", json.dumps({"packages": [package]}))
    locked = {"packages": [{**package, "name": "warehouse_seg"}]}
    write(project, "package-lock.yml", json.dumps(locked))
    (change,) = init(project, CHOSEN)
    assert change.path == Path("dbt_project.yml")
    assert not (project.project_dir / "vendor").exists()


# ---------------------------------------------------------------------------------------------- update


def test_an_older_copy_is_updated(project: DbtProject) -> None:
    init(project, CHOSEN)
    vendored = project.project_dir / VENDORED
    (vendored / "dbt_project.yml").write_text("name: warehouse_seg\nversion: 0.0.1\n")
    (vendored / "macros" / "of_an_older_version.sql").write_text("")
    (vendored / "models" / "marts" / "seg_segments.sql").unlink()

    (change,) = init(reopened(project), {})

    assert change.path == VENDORED
    assert change.difference.startswith("updated 3 of the")
    assert contents(vendored) == contents(dbt_package_path())


def test_what_dbt_made_in_the_copy_is_no_difference(project: DbtProject) -> None:
    init(project, CHOSEN)
    (project.project_dir / VENDORED / "target").mkdir()
    (project.project_dir / VENDORED / "target" / "manifest.json").write_text("{}")
    assert init(reopened(project), {}) == []


# --------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "which relation has your order lines"),
        ({"transactions": "a", "feature_table": "b"}, "both transactions and feature_table"),
    ],
)
def test_without_one_input_nothing_is_written(
    project: DbtProject, variables: dict[str, str], message: str
) -> None:
    before = files(project)
    with pytest.raises(UsageError, match=message):
        init(project, variables)
    assert files(project) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("packages.yml", "packages: [\n"),
        ("packages.yml", "packages: {a: 1}\n"),
        ("dependencies.yml", "packages: [\n"),
        ("dbt_project.yml", "name: x\nvars: [1]\n"),
        ("dbt_project.yml", "name: x\nvars: &a {}\nmodels: ~\n"),
    ],
)
def test_a_file_that_cannot_be_added_to_leaves_all_as_they_were(
    project: DbtProject, name: str, text: str
) -> None:
    write(project, name, text)
    before = files(project)
    with pytest.raises(UsageError):
        init(project, CHOSEN)
    assert files(project) == before


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no dbt_project\.yml"):
        init(DbtProject(project_dir=tmp_path), CHOSEN)


# ------------------------------------------------------------------------------------------ interrupted


class Interrupted(BaseException):
    """As when the program is killed."""


def interrupted_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The program stops before its `moment`-th renaming of a file or folder."""
    renamings = 0

    def counted(name: str) -> Callable[[Path, Path], Path]:
        original = getattr(Path, name)

        def stop(path: Path, target: Path) -> Path:
            nonlocal renamings
            renamings += 1
            if renamings == moment:
                raise Interrupted
            renamed: Path = original(path, target)
            return renamed

        return stop

    for name in ("rename", "replace"):
        monkeypatch.setattr(Path, name, counted(name))
    return monkeypatch.undo


@pytest.mark.parametrize("moment", range(1, 5))
def test_an_interruption_leaves_each_file_old_or_new_and_a_repetition_finishes(
    project: DbtProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    shutil.copytree(project.project_dir, tmp_path / "whole")
    whole = DbtProject(project_dir=tmp_path / "whole")
    older = project.project_dir / VENDORED
    older.mkdir(parents=True)
    (older / "dbt_project.yml").write_text("name: warehouse_seg\nversion: 0.0.1\n")
    before = files(project)
    init(whole, CHOSEN)
    finished = files(whole)

    undo = interrupted_at(moment, monkeypatch)
    with pytest.raises(Interrupted):
        init(project, CHOSEN)
    undo()

    for name in ("dbt_project.yml", "packages.yml"):
        assert files(project)[name] in (before[name], finished[name])
    vendored = {name for name in files(project) if name.startswith(f"{VENDORED}/")}
    assert vendored in (
        set(),
        {f"{VENDORED}/dbt_project.yml"},
        {name for name in finished if name.startswith(f"{VENDORED}/")},
    )
    init(reopened(project), CHOSEN)
    assert {name: text for name, text in files(project).items() if ".new" not in name} == finished


# -------------------------------------------------------------------------------------- the key's type


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """A shop's project that dbt has parsed, and its warehouse with order lines under two other names of columns."""
    folder = tmp_path_factory.mktemp("parsed")
    (folder / "models").mkdir()
    (folder / "models" / "sources.yml").write_text(
        "sources: [{name: raw, tables: [{name: lines}, {name: planned}, {name: odd}]}]\n"
    )
    (folder / "models" / "guests.sql").write_text(
        "{{ config(materialized='ephemeral') }} select 1 as customer_id"
    )
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (folder / "profiles.yml").write_text(
        "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n"
    )
    with duckdb.connect(str(folder / "shop.duckdb")) as database:
        database.execute("create schema raw")
        database.execute(
            "create table raw.lines (reader_no bigint, customer_id uuid, order_id int, sold_at date, amount double)"
        )
        database.execute("create table raw.odd (customer_id enum('a', 'b'))")
    project = DbtProject(project_dir=folder)
    project.call("parse")
    assert project.credentials["path"] == str(folder / "shop.duckdb")
    return project


@pytest.fixture
def shop(parsed: DbtProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DbtProject:
    """A copy that dbt is not asked about again: what it says is there already, and each answer takes it seconds."""
    monkeypatch.setattr(DbtProject, "call", lambda *_: None)
    folder = tmp_path / "shop"
    shutil.copytree(parsed.project_dir, folder)
    elsewhere = parsed.environment
    environment = replace(
        elsewhere,
        working_dir=str(folder),
        project_dir=str(folder),
        target_path=str(folder / "target"),
        credentials=elsewhere.credentials | {"path": str(folder / "shop.duckdb")},
    )
    monkeypatch.setattr(DbtProject, "environment", property(lambda _: environment))
    return DbtProject(project_dir=folder)


def test_the_keys_type_is_that_of_the_warehouse(shop: DbtProject) -> None:
    messages: list[str] = []
    init(shop, {"transactions": ["raw", "lines"]}, lambda event: messages.append(event.text))
    assert settings(shop) == {"transactions": ["raw", "lines"], "customer_id_type": "uuid"}
    assert messages[0].startswith(
        '"shop"."raw"."lines" has no column ordered_at, category '
        "(it has reader_no, customer_id, order_id, sold_at, amount): map them under"
    )
    assert messages[1] == 'customer_id_type is uuid, as "shop"."raw"."lines" has it'


def test_the_key_is_the_column_that_is_mapped(shop: DbtProject) -> None:
    write(
        shop,
        "dbt_project.yml",
        "name: shop\nprofile: shop\nvars: {warehouse_seg: {columns: {customer_id: reader_no}}}\n",
    )
    init(reopened(shop), {"transactions": ["raw", "lines"]})
    assert settings(shop)["customer_id_type"] == "bigint"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (["raw", "planned"], '"shop"."raw"."planned" is not built yet'),
        (["raw", "odd"], "the key is of type ENUM('a', 'b')"),
        ("guests", "guests is an ephemeral model, which the warehouse does not have"),
    ],
)
def test_a_type_that_cannot_be_read_is_left_at_its_default_and_that_is_said(
    shop: DbtProject, place: str | list[str], reason: str
) -> None:
    messages: list[str] = []
    init(shop, {"transactions": place}, lambda event: messages.append(event.text))
    assert "customer_id_type" not in settings(shop)
    assert f"customer_id_type is left at its default, varchar: {reason}" in messages[-1]


def test_before_the_first_build_there_is_no_file_to_read(shop: DbtProject) -> None:
    (shop.project_dir / "shop.duckdb").unlink()
    messages: list[str] = []
    init(shop, {"transactions": ["raw", "lines"]}, lambda event: messages.append(event.text))
    assert "customer_id_type" not in settings(shop)
    assert "found no DuckDB file" in messages[-1]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("guest", r"no model, seed or snapshot guest \(.*\); did you mean 'guests'"),
        (["raw", "line"], r"no source raw.line \(.*\); did you mean 'raw.lines'"),
    ],
)
def test_a_relation_that_dbt_does_not_know_is_refused_with_the_nearest(
    shop: DbtProject, place: str | list[str], message: str
) -> None:
    before = files(shop)
    with pytest.raises(UsageError, match=message):
        init(shop, {"transactions": place})
    assert files(shop) == before


def test_a_project_that_does_not_parse_yet_gets_the_default(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: str) -> None:
        raise UsageError("`dbt parse` could not run")

    monkeypatch.setattr(DbtProject, "call", fails)
    messages: list[str] = []
    init(project, {"transactions": "basket_lines"}, lambda event: messages.append(event.text))
    assert settings(project) == {"transactions": "basket_lines"}
    assert "dbt cannot parse the project yet" in messages[-1]
