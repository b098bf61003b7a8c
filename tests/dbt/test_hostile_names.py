"""The whole job where everything has a name that is hard to quote.

A schema with a double quote in its name is missing here: dbt itself puts such a name between quotes as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import process_runner
from tests.small_shop import order_lines
from warehouse_seg.resources import dbt_package_path

DATABASE = "Ware house.duckdb"
SCHEMA = "select from Größe 日本 ".ljust(60, "x")
RAW_SCHEMA = "raw data; drop table x --"
KEY = 'Customer "No"'
COLUMNS = {
    "order_id": "select",
    "ordered_at": "Zeit 日",
    "amount": "'Betrag' (€); --",
    "category": "group by",
}
CATEGORIES = {
    "Tea": 'Tea "loose"; drop table x; -- it\'s',
    "Coffee": "select",
    "Gifts": "日本のお土産 " + "y" * 60,
}
FEATURES = [
    "with space",
    'double"quote',
    "single'quote",
    "order",
    "Größe",
    "顧客の支出",
    "{{ jinja }}",
    "n" * 60,
]


@dataclass(frozen=True)
class HostileProject:
    """A dbt project over one database file, whose names are those above."""

    folder: Path

    def run(self, *command: str) -> str:
        """What `dbt …` or `warehouse-seg …` says, which must go well."""
        program = {"dbt": process_runner.dbt, "warehouse-seg": process_runner.warehouse_seg}[
            command[0]
        ]
        done = program(*command[1:], folder=self.folder)
        assert done.exit_code == 0, done.stderr
        return done.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query in the schema of the models."""
        with duckdb.connect(str(self.folder / DATABASE), read_only=True) as database:
            database.execute(f"use {quoted(SCHEMA)}")
            return database.execute(query).fetchall()


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def project(tmp_path: Path) -> HostileProject:
    """With order lines, and per customer features of which one is not always measured."""
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    with duckdb.connect(str(folder / DATABASE)) as database:
        database.register("lines", order_lines().replace({"category": CATEGORIES}))
        names = ", ".join(f"{name} as {quoted(hostile)}" for name, hostile in COLUMNS.items())
        key = f"customer_id as {quoted(KEY)}"
        schema = quoted(RAW_SCHEMA)
        database.execute(f"create schema {schema}")
        database.execute(f'create table {schema}."order lines" as select {key}, {names} from lines')
        features = ", ".join(
            # Each another remainder: of features that say the same some would be left out of the model.
            f"nullif(1 + amount % 7, 1) + (100 * amount) % {divisor} as {quoted(name)}"
            for divisor, name in zip((23, 29, 31, 37, 41, 43, 47, 53), FEATURES, strict=True)
        )
        largest = "(select customer_id, max(amount) as amount from lines group by customer_id)"
        database.execute(
            f"create table {schema}.per_customer as select {key}, {features} from {largest}"
        )
    return HostileProject(folder)


def install(project: HostileProject, **variables: Any) -> None:
    """Write the project's files (JSON is YAML) and install the package."""
    folder = project.folder
    tables = [{"name": "lines", "identifier": "order lines"}, {"name": "per_customer"}]
    files: dict[str, Any] = {
        "dbt_project.yml": {
            "name": "hostile",
            "profile": "hostile",
            "vars": {
                "warehouse_seg": {
                    "customer_id_type": "bigint",
                    "model": {"segments": {"min": 2, "max": 2}, "covariance": ["diag"]},
                    **variables,
                }
            },
        },
        "profiles.yml": {
            "hostile": {
                "target": "dev",
                "outputs": {"dev": {"type": "duckdb", "path": DATABASE, "schema": SCHEMA}},
            }
        },
        "packages.yml": {"packages": [{"local": str(dbt_package_path())}]},
        "models/sources.yml": {
            "sources": [{"name": "raw", "schema": RAW_SCHEMA, "tables": tables}]
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), "utf-8")
    project.run("dbt", "deps")


@pytest.mark.both_duckdb
def test_the_whole_job_on_order_lines_with_categories_and_extra_features(
    project: HostileProject,
) -> None:
    extra = f"select {quoted(KEY)} as customer_id, * exclude ({quoted(KEY)})"
    model = extra + " from {{ source('raw', 'per_customer') }}"
    (project.folder / "models" / "extra.sql").write_text(model, "utf-8")
    columns = {"customer_id": KEY, **COLUMNS}
    install(
        project,
        transactions=["raw", "lines"],
        extra_features="extra",
        columns={name: quoted(hostile) for name, hostile in columns.items()},
    )

    project.run("warehouse-seg", "run")

    customers = project.rows("select customer_id from seg_customer_segments")
    assert {customer for (customer,) in customers} == set(order_lines()["customer_id"])
    categories = project.rows("select category from seg_model_categories")
    assert {category for (category,) in categories} == set(CATEGORIES.values())
    for table in ("seg_model_features", "seg_segment_profiles"):
        features = {name for (name,) in project.rows(f"select feature from {table}")}
        assert {*FEATURES, "spend_tea_loose_drop_table_x_it_s"} <= features
    names = ", ".join(FEATURES).replace("'", "''")
    missing = f"select customer_id from seg_customer_segments where missing_features = '{names}'"
    unmeasured = 'select customer_id from extra where "order" is null'
    assert set(project.rows(missing)) == set(project.rows(unmeasured)) != set()


def test_the_columns_of_a_ready_table_without_its_key(project: HostileProject) -> None:
    install(
        project,
        feature_table=["raw", "per_customer"],
        as_of_date="2026-07-01",
        customer_id_type="varchar",
        columns={"customer_id": f"cast({quoted(KEY)} as varchar)"},
    )

    project.run("dbt", "run", "--select", "seg_customer_features")

    described = project.rows("describe seg_customer_features")
    assert [name for name, *_ in described] == ["customer_id", "as_of_date", *FEATURES]
