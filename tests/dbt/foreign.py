"""Somebody else's dbt project, `foreign_project/`, with the package installed, at the stages that the tests start from.

A stage is built once per test run, whatever the number of test workers, and copied by each test that changes it: dbt
takes seconds for a call, a copy takes none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from tests.dbt_folder import DbtFolder, StageFolders, succeeded
from tests.small_shop import order_lines
from warehouse_seg.commands import fit as jobs
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.dbt.yaml_text import with_entry
from warehouse_seg.settings import Preference

PROJECT = Path(__file__).with_name("foreign_project")
PACKAGE = "warehouse_seg"
DATABASE = "warehouse.duckdb"
SCHEMA = "harbour"
SETTINGS = ("vars", PACKAGE)

KEYS = {
    "bigint": "cast(customer_id as bigint)",
    "varchar": "'R-' || customer_id",
    "uuid": "cast(md5(cast(customer_id as varchar)) as uuid)",
}

MAPPING: dict[str, Any] = {
    "columns": {
        "customer_id": "reader_no",
        "order_id": "basket_no",
        "ordered_at": "sold_at",
        "category": "shelf",
    },
    "categories": 2,
    "model": {"segments": {"min": 2, "max": 2}, "covariance": ["full"]},
    "tiers": {"dominant": 0.7},
}
"""What a person writes after `init`; of the nested `columns`, `model` and `tiers` some keys, not all."""


@dataclass(frozen=True)
class ForeignProject(DbtFolder):
    """A copy of the project in a folder of its own."""

    database_name = DATABASE

    @contextmanager
    def parsed(self, **options: Any) -> Iterator[DbtProject]:
        """For jobs that only ask dbt what its last call in this folder wrote down already, which takes it seconds."""
        with mock.patch.object(DbtProject, "call"):
            yield DbtProject(project_dir=self.folder, **options)

    def columns(self, model: str) -> dict[str, str]:
        """Column → type of one of the package's models, in order."""
        described = self.rows(f"describe {SCHEMA}_analytics.{model}")
        return {name: kind for name, kind, *_ in described}

    def contents(self, model: str) -> list[tuple[Any, ...]]:
        return self.rows(f"select * from {SCHEMA}_analytics.{model} order by all")

    def active_version(self) -> int:
        query = f"select model_version from {SCHEMA}.seg_model_activations order by activation desc"
        return int(self.rows(query)[0][0])

    def scored_versions(self, model: str = "seg_customer_scores") -> set[int]:
        query = f"select distinct model_version from {SCHEMA}_analytics.{model}"
        return {version for (version,) in self.rows(query)}

    def artifact(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "target" / f"{name}.json").read_text())
        return content

    def statuses(self) -> dict[str, str]:
        """Node → status in the last call of dbt that ran nodes."""
        results = self.artifact("run_results")["results"]
        return {result["unique_id"]: result["status"] for result in results}

    def set(self, path: Sequence[str], value: Any) -> None:
        """Write a key into dbt_project.yml."""
        definition = self.folder / "dbt_project.yml"
        definition.write_text(with_entry(definition.read_text(), path, value))

    def replace_text(self, before: str, after: str) -> None:
        """Change what dbt_project.yml says."""
        definition = self.folder / "dbt_project.yml"
        text = definition.read_text()
        assert text.count(before) == 1
        definition.write_text(text.replace(before, after))

    def copy(self, folder: Path) -> ForeignProject:
        # Not the links: dbt_packages/ would go on pointing into the project that was copied.
        shutil.copytree(self.folder, folder)
        return ForeignProject(folder)


@dataclass(frozen=True)
class Stages(StageFolders):
    """The stages that the tests start from."""

    name = "foreign_projects"

    def installed(self, key: str) -> ForeignProject:
        """The package installed, its variables set, the project parsed without a warning; there is no database."""
        return self._stage(f"installed_{key}", lambda folder: _install(folder, key))

    def loaded(self, key: str) -> ForeignProject:
        """The till's lines are in the warehouse, nothing is built."""
        start = self.installed(key)
        return self._stage(f"loaded_{key}", lambda folder: load(start.copy(folder), key))

    def unfitted(self, key: str) -> ForeignProject:
        """After a first `dbt build`, which stops where it needs a model."""
        start = self.loaded(key)
        return self._stage(f"unfitted_{key}", lambda folder: start.copy(folder).dbt("build"))

    def fitted(self, key: str) -> ForeignProject:
        """After `warehouse-seg fit` and `dbt retry`: everything is built."""
        start = self.unfitted(key)
        return self._stage(f"fitted_{key}", lambda folder: _fit(start.copy(folder)))

    def with_a_new_best_seller(self) -> ForeignProject:
        """A shelf that nobody knew when the model was fitted sells more than any other; built under version 1."""
        start = self.fitted("bigint")
        return self._stage("best_seller", lambda folder: _sell_calendars(start.copy(folder)))

    def with_two_versions(self) -> ForeignProject:
        """Version 2, fitted on the new best-seller, is active; the tables are those of version 1 still."""
        start = self.with_a_new_best_seller()
        return self._stage("two_versions", lambda folder: _fit_again(start.copy(folder)))

    def _stage(self, name: str, make: Callable[[Path], object]) -> ForeignProject:
        return ForeignProject(self.stage(name, make))


def _install(folder: Path, key: str) -> None:
    project = ForeignProject(PROJECT).copy(folder)
    project.replace_text("customer_key_type: bigint", f"customer_key_type: {key}")
    options = ("--transactions", "basket_lines", "--customer-id-type", key)
    succeeded(project.warehouse_seg("init", *options))
    for name, value in MAPPING.items():
        project.set((*SETTINGS, name), value)
    for command in (("deps",), ("--warn-error", "parse")):
        succeeded(project.dbt(*command))


def load(project: ForeignProject, key: str) -> None:
    """The till's lines, as the project's source has them: some not paid yet, some of no known reader."""
    with duckdb.connect(str(project.database)) as database:
        database.register("lines", order_lines())
        database.execute("create schema raw")
        database.execute(
            f"""
            create table raw.basket_lines as
            select
                case when order_id % 97 > 0 then {KEYS[key]} end as reader_no,
                order_id as basket_no,
                ordered_at as sold_at,
                cast(round(amount * 100) as bigint) as cents,
                category as shelf,
                case when order_id % 89 > 0 then 'paid' else 'open' end as state
            from lines
            """
        )


def _fit(project: ForeignProject) -> None:
    succeeded(project.warehouse_seg("fit"))
    succeeded(project.dbt("retry"))


def _sell_calendars(project: ForeignProject) -> None:
    project.execute(
        "insert into raw.basket_lines "
        # Not in step with the other lines: what follows from other features becomes none.
        "select * replace ((1 + basket_no * basket_no % 97) * cents // 32 as cents, 'Calendars' as shelf) "
        "from raw.basket_lines"
    )
    succeeded(project.dbt("build"))


def _fit_again(project: ForeignProject) -> None:
    with project.parsed() as parsed:
        # By fit alone every category that tells customers apart is a feature.
        jobs.fit(
            parsed,
            jobs.Options(
                reselect=True, accept_changes=True, prefer=Preference.FIT, notes="calendars"
            ),
        )
