"""Kills of every command that writes, at random moments: `make kills`, a quarter of an hour.

A small shop goes through a series of commands. Each is ended by SIGKILL, with the dbt that it may have started, or is
asked to end by SIGTERM, which it passes on itself. After each kill the shop is read from outside; nothing is
repaired, the next command goes on with what the killed one left. At the end of a series the command must run to its
end, or this program stops with an error.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.small_shop import DATABASE, Shop, installed_shop, order_lines
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.errors import SegError
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import SCHEMA_TABLE, TABLES
from warehouse_seg.warehouse.connection import connect

SEED = 20_261_127
PATIENCE = 20.0
"""Seconds in which everything that a killed command had started must have ended."""
OUTPUT = "seg_customer_segments"
DEMO_CUSTOMERS = "500"
INTRODUCTION = """# What is left after a kill

Made by `make kills`: nothing here was typed. Each command is killed at random moments, and the next one goes on in the
same folder with what is left there; nothing is repaired in between. After each kill the shop is read from outside.
SIGKILL ends the command and the dbt that it started; SIGTERM is sent to the command alone, which ends dbt first.
After its kills each command ran to its end, without which this page is not written.
"""


@dataclass(frozen=True)
class Series:
    """A command and how often it is ended by each signal.

    shop: below the folder, what is read; schema: of our tables there; lines: the raw table of order lines
    replaces_database: the command makes the whole database anew, so that earlier models go
    """

    arguments: tuple[str, ...]
    kills: int
    shop: str = "."
    schema: str = "main"
    lines: str = "raw.order_lines"
    replaces_database: bool = False

    @property
    def name(self) -> str:
        return self.arguments[0] if self.arguments[0] == "demo" else " ".join(self.arguments)


SERIES = (
    Series(("init",), 8),
    Series(("run",), 9),
    Series(("fit", "--reselect", "--accept-changes"), 9),
    Series(("fit", "--population", "--accept-changes"), 8),
    Series(("activate", "1"), 8),
    Series(
        ("demo", "--customers", DEMO_CUSTOMERS, "--dir", "demo"),
        kills=8,
        shop="demo",
        schema="analytics",
        lines="raw.raw_order_lines",
        replaces_database=True,
    ),
)


@dataclass
class SeriesResult:
    """What the kills of one series left.

    left_running: processes that outlived the command
    broken: files, registries or tables that were neither as before nor whole
    """

    kills: int = 0
    left_running: int = 0
    broken: int = 0


@dataclass(frozen=True)
class ShopState:
    """A shop from outside: raw lines, stored models by their fingerprints, the version that tables are scored by."""

    lines: list[tuple[Any, ...]]
    fingerprints: dict[int, str]
    scored: list[tuple[Any, ...]]


def shop_state(series: Series, folder: Path) -> ShopState | None:
    """None where there is no database yet. Raises where anything in it cannot be read."""
    file = folder / series.shop / DATABASE
    if not file.exists():
        return None
    with duckdb.connect(str(file), read_only=True) as database:
        tables_there = database.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
        ).fetchall()
        names = {name for (name,) in tables_there}
        lines = rows(database, names, series.lines, "count(*), sum(amount)")
        counts = "count(*), count(distinct customer_id), min(model_version), max(model_version)"
        scored = rows(database, names, f"{series.schema}.{OUTPUT}", counts)
    tables = {name: f"{series.schema}.{name}" for name in (*TABLES, SCHEMA_TABLE)}
    if not names.issuperset(tables.values()):
        return ShopState(lines, {}, scored)
    with connect(file, read_only=True) as warehouse:
        registry = Registry(warehouse, tables, series.schema)
        versions = [row["model_version"] for row in registry.models()]
        fingerprints = {version: registry.read(version).fingerprint for version in versions}
        if registry.active_version() not in {None, *fingerprints}:
            raise SegError("a version is active that is not stored")
    return ShopState(lines, fingerprints, scored)


def rows(
    database: duckdb.DuckDBPyConnection, names: set[str], name: str, what: str
) -> list[tuple[Any, ...]]:
    return database.execute(f"select {what} from {name}").fetchall() if name in names else []


def is_whole(series: Series, before: ShopState | None, after: ShopState | None) -> bool:
    """Whether nothing was lost: order lines and earlier models as they were, tables of one version and each customer
    once, and of as many customers as before."""
    if before is None:
        return True
    if after is None:
        return False
    of_one_version = all(
        customers == distinct and first == last for customers, distinct, first, last in after.scored
    )
    kept = series.replaces_database or (
        before.fingerprints.items() <= after.fingerprints.items()
        and (not before.scored or before.scored[0][0] == after.scored[0][0])
    )
    return before.lines == after.lines and of_one_version and kept


def killed(arguments: tuple[str, ...], folder: Path, how: int, seconds: float) -> tuple[bool, int]:
    """Run a command and end it; whether it was still running, and how many processes it left."""
    with subprocess.Popen(
        [sys.executable, "-m", "warehouse_seg", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as program:
        try:
            program.wait(seconds)
        except subprocess.TimeoutExpired:
            if how == signal.SIGKILL:
                os.killpg(program.pid, how)
            else:
                program.send_signal(how)
            program.wait(PATIENCE)
        else:
            return False, 0
    return True, still_running(program.pid)


def still_running(group: int) -> int:
    """Processes of the group after PATIENCE; they are ended then, and results."""
    end = time.monotonic() + PATIENCE
    while members := list(members_of(group)):
        if time.monotonic() > end:
            os.killpg(group, signal.SIGKILL)
            return len(members)
        time.sleep(0.05)
    return 0


def members_of(group: int) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it has ended meanwhile
        if int(its_group) == group and state != "Z":
            yield int(process.name)


def to_the_end(arguments: tuple[str, ...], folder: Path) -> float:
    """Run a command, which must go well; its seconds."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "warehouse_seg", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SegError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - start


def series_of(
    series: Series, folder: Path, chance: random.Random, seconds: float
) -> list[SeriesResult]:
    """The kills of one series by SIGKILL and SIGTERM in turn; seconds: how long the command takes."""
    results = {signal.SIGKILL: SeriesResult(), signal.SIGTERM: SeriesResult()}
    for how, result in (pair for _ in range(series.kills) for pair in results.items()):
        before = shop_state(series, folder)
        was_running = False
        while not was_running:
            # A moment after its end is no kill: another one is drawn.
            was_running, left = killed(series.arguments, folder, how, chance.uniform(0, seconds))
        result.kills += 1
        result.left_running += left
        try:
            result.broken += not is_whole(series, before, shop_state(series, folder))
        except (SegError, duckdb.Error) as error:
            tell(f"{series.name}: {error}")
            result.broken += 1
    to_the_end(series.arguments, folder)
    if shop_state(series, folder) is None:
        raise SegError(f"{series.name} left no database")
    return list(results.values())


def main() -> None:
    chance = random.Random(SEED)
    lines = []
    with tempfile.TemporaryDirectory() as name:
        shop: Shop = installed_shop(Path(name) / "shop", order_lines())
        seconds = {}
        spare = shop.copy(Path(name) / "spare")
        for series in SERIES:
            seconds[series.name] = to_the_end(series.arguments, spare.folder)
        for series in SERIES:
            tell(f"{series.name} …")
            for how, result in zip(
                ("SIGKILL", "SIGTERM"),
                series_of(series, shop.folder, chance, seconds[series.name]),
                strict=True,
            ):
                cells = (result.kills, result.left_running, result.broken)
                lines.append((f"`{series.name}`", how, *cells))
                tell(lines[-1])
    note = (
        f"Moments: uniform over the seconds that the command takes, seed {SEED}. Whole: order lines, earlier models "
        "and their fingerprints as before, every customer once in the segments and of one version."
    )
    show(INTRODUCTION)
    show(heading("A hundred kills", note))
    columns = ("command", "signal", "kills", "left running", "not whole")
    show(table(columns, lines))


if __name__ == "__main__":
    main()
