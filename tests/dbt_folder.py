"""What the tests' dbt projects share: a folder with a DuckDB file, programs run in it, stages built once per run."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import duckdb

from tests import process_runner
from tests.process_runner import Finished


@dataclass(frozen=True)
class DbtFolder:
    """A dbt project in a folder of its own, with its warehouse in a DuckDB file."""

    folder: Path
    database_name: ClassVar[str]

    @property
    def database(self) -> Path:
        return self.folder / self.database_name

    def dbt(self, *arguments: str) -> Finished:
        return process_runner.dbt(*arguments, folder=self.folder)

    def warehouse_seg(self, *arguments: str) -> Finished:
        return process_runner.warehouse_seg(*arguments, folder=self.folder)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as database:
            return database.execute(query).fetchall()

    def execute(self, *statements: str) -> None:
        with duckdb.connect(str(self.database)) as database:
            for statement in statements:
                database.execute(statement)


@dataclass(frozen=True)
class StageFolders:
    """The stages of a project, each in a folder below `shared`, which all test workers have in common."""

    shared: Path
    name: ClassVar[str]

    @classmethod
    def of_this_run(cls, basetemp: Path) -> Self:
        """basetemp: pytest's temporary folder, which is one per worker inside one per run"""
        in_worker = "PYTEST_XDIST_WORKER" in os.environ
        shared = (basetemp.parent if in_worker else basetemp) / cls.name
        shared.mkdir(exist_ok=True)
        return cls(shared)

    def stage(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder of a stage, which `make` has filled once, whatever the number of workers."""
        folder = self.shared / name
        with (self.shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.shared / f"{name}.ready").exists():
                # What an earlier attempt left, should it have failed.
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                (self.shared / f"{name}.ready").touch()
        return folder


def succeeded(done: Finished) -> Finished:
    """The same, of a program that must go well."""
    assert done.exit_code == 0, done.stderr
    return done
