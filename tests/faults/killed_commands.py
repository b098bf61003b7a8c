"""Kills `fit` and `activate` with SIGKILL after each of their writing statements, and at random moments between.

A program of its own (`python -m tests.faults.killed_commands FOLDER`): it imports everything once and forks a process
for each kill, which takes a fraction of the seconds that starting a new one would. The forked processes run the
product's commands; two things that write nothing in the warehouse are done once and not for each of them: dbt's part,
which is taken from the artifacts of the shop's last build, and the search for the best mixture. Prints one JSON object;
what it means is said by the tests.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.small_shop import DATABASE, environment_of
from warehouse_seg.commands import activation
from warehouse_seg.commands import fit as jobs
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.registry.tables import TABLES
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import Warehouse

RANDOM_KILLS = 4
READING = ("select", "with", "describe")
Job = Callable[[DbtProject], object]


@dataclass(frozen=True)
class State:
    """What a reader of the registry finds: the active version, its SQL, every stored version's fingerprint."""

    active: int | None
    sql: str | None
    fingerprints: dict[str, str]
    largest_number: int


@dataclass(frozen=True)
class Kill:
    """One kill and what came after it.

    after: how many writing statements had run; None where the moment was random
    signal: what ended the process; None where it ended by itself
    """

    after: int | None
    signal: int | None
    left: State
    next_version: int
    next_fingerprint: str
    then: State


@dataclass(frozen=True)
class Scenario:
    """A job, killed again and again from one start.

    statements: the writing ones that the job runs, by their first words
    """

    statements: list[str]
    start: State
    end: State
    kills: list[Kill]


def main() -> None:
    shop = Path(sys.argv[1])
    prepare_parent(shop)
    jobs_of = {
        "first fit": (None, fit),
        "later fit": (fit_twice, fit),
        "activate": (fit_twice, activate_first),
        "rollback": (fit_twice, roll_back),
    }
    scenarios = {name: scenario(shop, name, *job) for name, job in jobs_of.items()}
    sys.stdout.write(json.dumps({name: asdict(content) for name, content in scenarios.items()}))


def prepare_parent(shop: Path) -> None:
    """Do once what the forked processes need and what writes nothing."""
    DbtProject.call = lambda *_, **__: None  # type: ignore[method-assign]
    DbtProject.environment = property(environment_of)  # type: ignore[assignment]
    folder = shop.parent / "fitted_once"
    shutil.copytree(shop, folder, symlinks=True)
    project = DbtProject(project_dir=folder, profiles_dir=folder)
    model = SegmentModel.from_json(in_child(lambda: jobs.fit(project).to_json()))
    for fitting in ("fit_model", "refit_model"):
        setattr(jobs, fitting, lambda *_, **__: variant(model))
    # Compiled once here, each child has them.
    render("seg_literal", "", "duckdb")
    sample_sql("select", [], 1, 1)


def variant(model: SegmentModel) -> SegmentModel:
    """A model that differs from every other one, so that rows of two of them could not be mixed unseen."""
    first = model.features[0]
    moved = first.model_copy(update={"center": first.center + os.getpid() / 1e6})
    return model.model_copy(update={"features": (moved, *model.features[1:])})


def fit(project: DbtProject) -> object:
    model = jobs.fit(project, jobs.Options(accept_changes=True))
    return [model.model_version, model.fingerprint]


def fit_twice(project: DbtProject) -> object:
    return [fit(project), fit(project)]


def activate_first(project: DbtProject) -> object:
    activation.activate(project, 1, "a test", None)
    return "activated"


def roll_back(project: DbtProject) -> object:
    return activation.rollback(project, "a test", None).version


def scenario(shop: Path, name: str, before: Job | None, job: Job) -> Scenario:
    """Run the job whole, then kill it after every number of statements and at random moments."""
    folder = shop.parent / name.replace(" ", "_")
    project = DbtProject(project_dir=folder, profiles_dir=folder)
    shutil.copytree(shop, folder, symlinks=True)
    if before:
        in_child(lambda: before(project))
    keep(folder, "start")
    start = state_of(project)
    began = time.monotonic()
    statements = in_child(lambda: recorded(job, project))
    seconds = time.monotonic() - began
    end = state_of(project)
    kills = []
    for after in range(len(statements) + 1):
        restore(folder, "start")
        ended = killed(partial(kill_after, after, job, project))
        keep(folder, f"killed_after_{after}")
        kills.append(aftermath(after, ended, project))
    chance = random.Random(name)
    for _ in range(RANDOM_KILLS if len(statements) > 1 else 1):
        restore(folder, "start")
        moment = chance.uniform(0, seconds)
        kills.append(aftermath(None, killed(lambda: job(project), moment), project))
    return Scenario([sql.split("(")[0][:80].strip() for sql in statements], start, end, kills)


def keep(folder: Path, name: str) -> None:
    """The database as the last process left it, under another name."""
    copy_database(folder / DATABASE, folder / f"{name}.duckdb")


def restore(folder: Path, name: str) -> None:
    copy_database(folder / f"{name}.duckdb", folder / DATABASE)


def copy_database(source: Path, target: Path) -> None:
    """A DuckDB file with its write-ahead log, which is there when a process did not come to closing the file."""
    for suffix in ("", ".wal"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
        if Path(f"{source}{suffix}").exists():
            shutil.copy(f"{source}{suffix}", f"{target}{suffix}")


def aftermath(after: int | None, ended: int | None, project: DbtProject) -> Kill:
    """What a killed job left, and how the next fit goes."""
    left, (version, fingerprint), then = in_child(
        lambda: [read_state(project), fit(project), read_state(project)]
    )
    return Kill(after, ended, State(**left), version, fingerprint, State(**then))


def state_of(project: DbtProject) -> State:
    return State(**in_child(lambda: read_state(project)))


def read_state(project: DbtProject) -> dict[str, Any]:
    session = Session.after_dbt(project)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        active = registry.active_version()
        numbers = [
            row["largest"] or 0
            for name, relation in registry.tables.items()
            if name in TABLES and warehouse.has_relation(relation)
            for row in warehouse.rows(f"select max(model_version) as largest from {relation}")
        ]
        return {
            "active": active,
            "sql": active and registry.read(active).score_sql("features"),
            "fingerprints": {
                str(row["model_version"]): registry.read(row["model_version"]).fingerprint
                for row in registry.models()
            },
            "largest_number": max(numbers, default=0),
        }


# ------------------------------------------------------------------------------------------------------- processes


def recorded(job: Job, project: DbtProject) -> list[str]:
    """The writing statements of a job."""
    statements: list[str] = []
    on_writing(statements.append)
    job(project)
    return statements


def kill_after(count: int, job: Job, project: DbtProject) -> None:
    """Run a job and die right after so many writing statements; with 0, right before the first one."""
    remaining = [count]

    def die_in_time(_: str) -> None:
        remaining[0] -= 1
        if remaining[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if count == 0:
        on_writing(lambda _: None, before=lambda _: os.kill(os.getpid(), signal.SIGKILL))
    else:
        on_writing(die_in_time)
    job(project)


def on_writing(
    after: Callable[[str], None], before: Callable[[str], None] = lambda _: None
) -> None:
    """Call back around every writing statement of this process."""
    execute = Warehouse.execute

    def watched(self: Warehouse, sql: str) -> None:
        writes = not sql.lstrip().lower().startswith(READING)
        if writes:
            before(sql)
        execute(self, sql)
        if writes:
            after(sql)

    Warehouse.execute = watched  # type: ignore[method-assign]


def in_child(function: Callable[[], Any]) -> Any:
    """What a function returns in a forked process, as JSON carries it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as stream:
            stream.write(json.dumps(function()))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        content = stream.read()
    if ended_by(child) is not None or not content:
        raise RuntimeError("a process that nobody killed did not come to its end")
    return json.loads(content)


def killed(function: Callable[[], object], after_seconds: float | None = None) -> int | None:
    """Run a function in a forked process, and kill that after some seconds, or let it kill itself."""
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    if after_seconds is not None:
        time.sleep(after_seconds)
        os.kill(child, signal.SIGKILL)
    return ended_by(child)


def ended_by(child: int) -> int | None:
    """The signal that ended a process; None where it ended well."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code > 0:
        raise RuntimeError(f"a forked process ended with exit code {code}")
    return -code or None


if __name__ == "__main__":
    main()
