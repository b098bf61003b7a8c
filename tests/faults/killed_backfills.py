"""Kills `backfill` with SIGKILL after every tenth of its writing statements, and at random moments; then runs it again.

A program of its own (`python -m tests.faults.killed_backfills FOLDER`), for the reason that killed_commands.py has. The
shop has one date of history; dbt's part is left out. Prints one JSON object; what it means is said by the tests.
"""

from __future__ import annotations

import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from tests.faults.killed_commands import in_child, keep, kill_after, killed, recorded, restore
from tests.small_shop import DATABASE, FIRST_OF_HISTORY, environment_of
from warehouse_seg.commands.backfill import Options, backfill
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.monitoring import past_features
from warehouse_seg.sql.rendering import render

RANDOM_KILLS = 20
EVERY = 10
"""After every tenth statement; the random moments are between all of them."""
COUNTS = (
    "select cast(as_of_date as varchar), count(*), count(distinct customer_id) "
    "from seg_membership_history group by as_of_date order by as_of_date"
)
CONTENT = (
    "select md5(string_agg(cast(rows as varchar), ';' order by rows.as_of_date, rows.customer_id)) "
    "from (select * exclude (scored_at) from seg_membership_history) as rows"
)


@dataclass(frozen=True)
class BackfillKill:
    """What one kill left, and what the same command then made of it.

    after: how many writing statements had run; None where the moment was random
    left: date, rows and customers of each date; then: the same after the next run, with a hash of all rows
    """

    after: int | None
    signal: int | None
    left: list[Any]
    then: list[Any]
    content: str


def main() -> None:
    folder = Path(sys.argv[1])
    DbtProject.call = lambda *_, **__: None  # type: ignore[method-assign]
    DbtProject.parsed_before = DbtProject.last_manifest  # type: ignore[method-assign]
    DbtProject.environment = property(environment_of)  # type: ignore[assignment]
    # Each date by itself, so that there is something between dates.
    past_features.ROWS_AT_ONCE = 1
    render("seg_literal", "", "duckdb")
    project = DbtProject(project_dir=folder, profiles_dir=folder)
    with duckdb.connect(str(folder / DATABASE)) as database:
        database.execute(
            f"delete from seg_membership_history where as_of_date > '{FIRST_OF_HISTORY}'"
        )
    keep(folder, "start")
    began = time.monotonic()
    statements = in_child(lambda: recorded(fill, project))
    seconds = time.monotonic() - began
    whole = counted(folder)
    chance = random.Random(20_261_201)
    kills = []
    for after in [*range(0, len(statements), EVERY), *[None] * RANDOM_KILLS]:
        restore(folder, "start")
        if after is None:
            ended = killed(lambda: fill(project), chance.uniform(0, seconds))
        else:
            ended = killed(partial(kill_after, after, fill, project))
        left, _ = counted(folder)
        in_child(lambda: fill(project))
        kills.append(asdict(BackfillKill(after, ended, left, *counted(folder))))
    sys.stdout.write(json.dumps({"statements": len(statements), "whole": whole, "kills": kills}))


def fill(project: DbtProject) -> object:
    return backfill(project, Options(first=date.fromisoformat(FIRST_OF_HISTORY))).dates


def counted(folder: Path) -> tuple[list[Any], str]:
    """Date, rows and customers of each date, and a hash of all rows; read in a process of its own."""
    counts, content = in_child(lambda: read(folder))
    return counts, content


def read(folder: Path) -> list[Any]:
    with duckdb.connect(str(folder / DATABASE)) as database:
        ((content,),) = database.execute(CONTENT).fetchall()
        return [database.execute(COUNTS).fetchall(), content]


if __name__ == "__main__":
    main()
