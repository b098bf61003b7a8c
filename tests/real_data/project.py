"""A dbt project of the tests over the files of one data set, driven by programs as a user drives it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from tests.programs import Finished


@dataclass(frozen=True)
class Project:
    """A dbt project in a folder of its own, over the files of one data set."""

    folder: Path
    data: Path

    def call(self, program: Callable[..., Finished], *arguments: str, **variables: str) -> str:
        """What a program (tests/programs.py) prints when it is run inside the project, which must go well."""
        given = json.dumps({"data_folder": str(self.data), **variables})
        finished = program(*arguments, "--vars", given, folder=self.folder)
        assert finished.exit_code == 0, (
            f"{arguments} ended with {finished.exit_code}:\n{finished.talk}"
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
