"""A small shop as a dbt project: what the tests of faults, of the command line and of repeatability start from.

Three kinds of customers, far apart, so that a cheap fit finds them; three categories of which two get columns, so that
every registry table has rows. Each stage is built once per test run, whatever the number of workers, and copied.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from tests.dbt_folder import DbtFolder, StageFolders, succeeded
from warehouse_seg.dbt.environment import Environment
from warehouse_seg.dbt.project import DbtProject

CUSTOMERS = 1500
SEED = 20_260_701
DATABASE = "shop.duckdb"
FIRST_OF_HISTORY = "2026-02-01"

KINDS = {
    # kind: share, mean of the orders after the first, median basket, days since the last order, favourite category
    "occasional": (0.5, 1.0, 30.0, 150, "Tea"),
    "regular": (0.3, 8.0, 60.0, 20, "Coffee"),
    "lavish": (0.2, 3.0, 400.0, 60, "Gifts"),
}

PROJECT = """
name: small_shop
version: 1.0.0
profile: small_shop

vars:
  warehouse_seg:
    transactions: [shop, order_lines]
    customer_id_type: bigint
    categories: 2
    model:
      segments: {min: 2, max: 3}
      covariance: [full]
      sample_size: 1000
"""

CREDENTIALS = {
    "type": "duckdb",
    "path": DATABASE,
    "schema": "main",
    "threads": 2,
    "config_options": {"threads": 2},
}
PROFILE = {"small_shop": {"target": "dev", "outputs": {"dev": CREDENTIALS}}}

SOURCES = """
sources:
  - name: shop
    schema: raw
    tables:
      - name: order_lines
"""


def order_lines(customers: int = CUSTOMERS, seed: int = SEED) -> pd.DataFrame:
    """One row per order line."""
    random = np.random.default_rng(seed)
    kinds = list(KINDS.values())
    kind = random.choice(len(kinds), size=customers, p=[share for share, *_ in kinds])
    order_count = 1 + random.poisson(np.array([kinds[k][1] for k in kind]))
    buyer = np.repeat(np.arange(customers), order_count)
    basket = np.array([kinds[k][2] for k in kind])[buyer]
    last_order = random.gamma(4.0, np.array([kinds[k][3] for k in kind]) / 4.0)
    days_ago = last_order[buyer] + random.exponential(40.0, len(buyer)) * (order_count[buyer] > 1)
    favourite = np.array([kinds[k][4] for k in kind])[buyer]
    midnight = pd.Timestamp("2026-06-30")
    return pd.DataFrame(
        {
            "customer_id": buyer + 1,
            "order_id": np.arange(len(buyer)) + 1,
            "ordered_at": midnight - pd.to_timedelta(days_ago.round().astype(int), unit="D"),
            "amount": (basket * np.exp(0.4 * random.standard_normal(len(buyer)))).round(2),
            "category": np.where(random.random(len(buyer)) < 0.7, favourite, "Tea"),
        }
    )


def environment_of(
    project: DbtProject, credentials: Mapping[str, Any] = CREDENTIALS
) -> Environment:
    """What dbt would say of a shop's project; asking it takes seconds."""
    project.require_file()
    folder = project.project_dir.resolve()
    written = YAML(typ="safe").load((folder / "dbt_project.yml").read_text())
    # As dbt names a local file: from the folder that it is called in.
    path = credentials.get("path", ":memory:")
    local = path if path == ":memory:" else str(folder / path)
    return Environment(
        working_dir=str(folder),
        project_dir=str(folder),
        profiles_dir=str(folder),
        profile="small_shop",
        target="dev",
        target_path=str(folder / "target"),
        log_path=str(folder / "logs"),
        dbt_version="dbt-core 1.11.0, dbt-duckdb 1.10.0",
        source_folders=["models", "macros", "seeds", "dbt_packages"],
        variables=written.get("vars") or {},
        credentials={**credentials, "path": local},
        opening=[],
        read_only_opening=[],
    )


@dataclass(frozen=True)
class Shop(DbtFolder):
    """The project in a folder of its own."""

    database_name = DATABASE

    @property
    def project(self) -> DbtProject:
        return DbtProject(project_dir=self.folder, profiles_dir=self.folder)

    def active_version(self) -> int | None:
        query = "select model_version from seg_model_activations order by activation desc"
        rows = self.rows(query)
        return int(rows[0][0]) if rows else None

    def segments(self) -> list[tuple[Any, ...]]:
        return self.rows("from seg_customer_segments order by all")

    def set_variable(self, *path: str, value: Any) -> None:
        """Write one of the package's variables into dbt_project.yml."""
        definition = self.folder / "dbt_project.yml"
        content = YAML(typ="safe").load(definition.read_text())
        block = content["vars"]["warehouse_seg"]
        for key in path[:-1]:
            block = block.setdefault(key, {})
        block[path[-1]] = value
        # JSON is YAML.
        definition.write_text(json.dumps(content))

    def own_package(self) -> Path:
        """The folder of the dbt package, made this copy's own, so that a test can change something in it."""
        link = self.folder / "dbt_packages" / "warehouse_seg"
        link.unlink()
        link.symlink_to(self.folder / "vendor" / "warehouse_seg")
        return link

    def copy(self, folder: Path) -> Shop:
        # The links too: dbt_packages/ may go on pointing into the stage, which nobody changes.
        shutil.copytree(self.folder, folder, symlinks=True)
        return Shop(folder)


@dataclass(frozen=True)
class Stages(StageFolders):
    """The stages of a shop."""

    name = "small_shops"

    def installed(self) -> Shop:
        """The order lines and the package are there, nothing is built."""
        return self._stage("installed", lambda folder: installed_shop(folder, order_lines()))

    def with_features(self) -> Shop:
        """The features are built; there is no model yet, and no registry."""
        return self._stage("with_features", self._build_features)

    def scored(self) -> Shop:
        """Version 1 is active, and every table is built with it."""
        return self._stage("scored", self._score)

    def with_history(self) -> Shop:
        """Version 1 has scored the first day of every month from `FIRST_OF_HISTORY` on, and the latest day."""
        return self._stage("with_history", self._fill_history)

    def _fill_history(self, folder: Path) -> None:
        shop = self.scored().copy(folder)
        shop.set_variable("rooms", value={"monitoring": True})
        succeeded(shop.warehouse_seg("backfill", "--from", FIRST_OF_HISTORY))

    def _build_features(self, folder: Path) -> None:
        shop = self.installed().copy(folder)
        succeeded(shop.dbt("build", "--select", "+seg_customer_features"))

    def _score(self, folder: Path) -> None:
        shop = self.with_features().copy(folder)
        succeeded(shop.warehouse_seg("fit"))
        succeeded(shop.dbt("build", "--select", "seg_customer_scores+"))

    def _stage(self, name: str, make: Callable[[Path], object]) -> Shop:
        return Shop(self.stage(name, make))


def installed_shop(folder: Path, lines: pd.DataFrame) -> Shop:
    """A project with these order lines, the package initialised and `dbt deps` done."""
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(json.dumps(PROFILE))
    (folder / "models" / "sources.yml").write_text(SOURCES)
    with duckdb.connect(str(folder / DATABASE)) as database:
        database.register("lines", lines)
        database.execute("create schema raw")
        database.execute(
            "create table raw.order_lines as "
            "select * replace (cast(amount as decimal(18, 2)) as amount) from lines"
        )
    shop = Shop(folder)
    succeeded(shop.warehouse_seg("init"))
    succeeded(shop.dbt("deps"))
    return shop
