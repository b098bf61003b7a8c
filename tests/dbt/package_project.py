"""A small dbt project with the package installed, and dbt called on it as a program."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import duckdb

from tests import process_runner
from tests.process_runner import Finished
from warehouse_seg.resources import dbt_package_path

SELF_TEST_PROJECT = Path(__file__).with_name("self_test_project")
DATABASE = "warehouse.duckdb"

PROFILE = f"""
warehouse_seg_tests:
  target: dev
  outputs:
    dev: {{type: duckdb, path: {DATABASE}, schema: main, threads: 2}}
"""


class Dbt(Protocol):
    """The fixture `dbt`: runs `dbt <arguments>` in a project and returns what it left, whatever its exit code."""

    def __call__(
        self,
        project: Path,
        *arguments: str,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 — dbt's own name for them
        threads: int | None = None,
    ) -> Finished: ...


class Install(Protocol):
    """The fixture `install`: a copy of a project with the package, this checkout's or another folder, and a profile."""

    def __call__(self, project: Path, package: Path | None = None) -> Path: ...


def run_dbt(
    project: Path,
    *arguments: str,
    vars: Mapping[str, Any] | None = None,  # noqa: A002 — dbt's own name for them
    threads: int | None = None,
) -> Finished:
    """Run `dbt <arguments>` in a project."""
    options = [f"--vars={json.dumps(vars)}"] if vars else []
    options += [f"--threads={threads}"] if threads else []
    return process_runner.dbt(*arguments, *options, folder=project)


def install_package(project: Path, folder: Path, package: Path) -> Path:
    """Copy a project, write its packages.yml and profiles.yml, and run `dbt deps`."""
    shutil.copytree(project, folder)
    (folder / "packages.yml").write_text(json.dumps({"packages": [{"local": str(package)}]}))
    (folder / "profiles.yml").write_text(PROFILE)
    done = run_dbt(folder, "deps")
    assert done.exit_code == 0, done.stderr
    return folder


def copy_package(folder: Path, *faults: tuple[str, str, str]) -> Path:
    """The dbt package with faults planted in it, each a file's stem, a text that stands there and one instead."""
    shutil.copytree(dbt_package_path(), folder)
    for stem, before, after in faults:
        (file,) = folder.rglob(f"{stem}.sql")
        text = file.read_text("utf-8")
        assert before in text
        file.write_text(text.replace(before, after), "utf-8")
    return folder


def artifact(project: Path, name: str) -> dict[str, Any]:
    """One of the files that dbt leaves in target/."""
    content: dict[str, Any] = json.loads((project / "target" / f"{name}.json").read_text("utf-8"))
    return content


def statuses(project: Path, kind: str) -> dict[str, str]:
    """Name → status of the nodes of one kind (`test`, `unit_test`, `model`) in the last call that ran nodes."""
    nodes = [
        (result["unique_id"].split("."), result["status"])
        for result in artifact(project, "run_results")["results"]
    ]
    # A generic test's id ends with a hash after its name, a unit test's has its model before it.
    place = 3 if kind == "unit_test" else 2
    return {parts[place]: status for parts, status in nodes if parts[0] == kind}


def execute(project: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in the project's database; the rows of the last one."""
    rows: list[tuple[Any, ...]] = []
    with duckdb.connect(str(project / DATABASE)) as database:
        for statement in statements:
            rows = database.execute(statement).fetchall()
    return rows
