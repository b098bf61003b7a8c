"""One shop on several engines: its raw tables carried over from DuckDB, the same dbt project, another profile."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from tests.dbt_folder import DbtFolder, succeeded
from tests.process_runner import Finished
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.demo import write_shop
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.warehouse.connection import Warehouse

HERE = Path(__file__).parent
RAW = "raw"
SCHEMA = "analytics"
DATABASE = "shop.duckdb"
DEMO_CUSTOMERS = 3_000

Load = Callable[[Warehouse, str, Path], None]
"""Makes a table of the schema `raw`: a warehouse, the table's name, the DuckDB file that has it."""

TABLES = {
    "seg_customer_rfm": ["customer_id"],
    "seg_customer_category_spend": ["customer_id", "category"],
    "seg_customer_features": ["customer_id"],
    "seg_customer_scores": ["customer_id"],
    "seg_customer_segments": ["customer_id"],
    "seg_customer_memberships": ["customer_id", "segment_key"],
    "seg_customer_reasons": ["customer_id"],
    "seg_segments": ["segment_key"],
    "seg_segment_profiles": ["segment_key", "feature"],
}
"""What the package builds, with the key of each."""


@dataclass(frozen=True)
class Shop(DbtFolder):
    """A dbt project over one engine; the DuckDB file is that of a shop on DuckDB."""

    database_name = DATABASE

    @cached_property
    def project(self) -> DbtProject:
        """One object, which asks dbt for its credentials once."""
        return DbtProject(
            project_dir=self.folder, profiles_dir=self.folder, called_from=self.folder
        )

    def dbt(self, *arguments: str) -> Finished:
        return succeeded(super().dbt(*arguments))

    def warehouse_seg(self, *arguments: str) -> Finished:
        return succeeded(super().warehouse_seg(*arguments))

    def tables(self, keys: Mapping[str, Sequence[str]]) -> dict[str, pd.DataFrame]:
        """All rows of some of the package's tables, each by its keys."""
        manifest = self.project.last_manifest()
        with self.project.warehouse(read_only=True) as warehouse:
            rows = {
                name: warehouse.rows(f"select * from {manifest.relation(name)}") for name in keys
            }
        return {
            name: pd.DataFrame(rows[name]).sort_values(list(keys[name]), ignore_index=True)
            for name in keys
        }

    def publish(self, model: SegmentModel) -> None:
        """Store a model of another warehouse here and make it active."""
        session = Session.start(self.project)
        with self.project.warehouse() as warehouse:
            registry = session.registry(warehouse)
            stored = registry.publish(model)
            registry.activate(stored.model_version, "import", "", expected=None)

    def on(self, folder: Path, output: Mapping[str, Any], schema: str = SCHEMA) -> Shop:
        """The same project with another profile, nothing built yet."""
        made_by_dbt = shutil.ignore_patterns(
            "target", "logs", "*.duckdb", ".warehouse_seg_demo.json"
        )
        shutil.copytree(self.folder, folder, symlinks=True, ignore=made_by_dbt)
        other = Shop(folder)
        name = self.project.environment.profile
        content = {name: {"target": "dev", "outputs": {"dev": {**output, "schema": schema}}}}
        (folder / "profiles.yml").write_text(json.dumps(content))
        return other


def demo_on_duckdb(folder: Path) -> Shop:
    """The demo with a few thousand customers, up to its segments."""
    write_shop(folder, customers=DEMO_CUSTOMERS)
    return _run(Shop(folder))


def complete_journey_on_duckdb(folder: Path, data: Path) -> Shop:
    """Complete Journey's order lines as one table, up to its segments."""
    shutil.copytree(HERE / "complete_journey", folder)
    query = (HERE / "complete_journey.sql").read_text().format(data=data)
    with duckdb.connect(str(folder / DATABASE)) as database:
        database.execute(f"create schema {RAW}")
        database.execute(f"create table {RAW}.order_lines as {query}")
    return _run(Shop(folder))


def _run(shop: Shop) -> Shop:
    shop.warehouse_seg("init")
    shop.dbt("deps")
    shop.warehouse_seg("run")
    return shop


def carry(source: Path, shop: Shop, load: Load) -> None:
    """Make every raw table of a DuckDB file in another shop's warehouse, where two shops of one server share them."""
    with shop.project.warehouse() as warehouse:
        warehouse.execute(f"create schema if not exists {RAW}")
        for name in raw_tables(source):
            if not warehouse.has_relation(f"{RAW}.{name}"):
                load(warehouse, name, source)


def raw_tables(source: Path) -> list[str]:
    """The names of a DuckDB file's raw tables."""
    query = f"select table_name from information_schema.tables where table_schema = '{RAW}'"
    with duckdb.connect(str(source), read_only=True) as database:
        return [name for (name,) in database.execute(query).fetchall()]


def load_into_postgres(warehouse: Warehouse, name: str, source: Path, exchange: Path) -> None:
    """Through a CSV file, which the server reads.

    exchange: a folder that the server may enter
    """
    file = exchange / f"{name}.csv"
    columns = []
    with duckdb.connect(str(source), read_only=True) as database:
        for column, kind in _columns(database, name):
            columns.append(f"{column} {'double precision' if kind == 'DOUBLE' else kind}")
        database.execute(f"copy {RAW}.{name} to '{file}' (format csv, header false)")
    file.chmod(0o644)
    warehouse.execute(f"create table {RAW}.{name} ({', '.join(columns)})")
    warehouse.execute(f"copy {RAW}.{name} from '{file}' with (format csv)")
    file.unlink()


def load_into_spark(warehouse: Warehouse, name: str, source: Path, exchange: Path) -> None:
    """Through a Parquet file."""
    file = exchange / f"{name}.parquet"
    columns = []
    with duckdb.connect(str(source), read_only=True) as database:
        for column, kind in _columns(database, name):
            wanted = "string" if kind == "VARCHAR" else kind
            columns.append(f"cast({column} as {wanted}) as {column}")
        database.execute(f"copy {RAW}.{name} to '{file}' (format parquet)")
    warehouse.execute(
        f"create table {RAW}.{name} using parquet as "
        f"select {', '.join(columns)} from parquet.`{file}`"
    )
    file.unlink()


def _columns(database: duckdb.DuckDBPyConnection, name: str) -> Iterator[tuple[str, str]]:
    """Column and type."""
    for column, kind, *_ in database.execute(f"describe {RAW}.{name}").fetchall():
        yield column, kind
