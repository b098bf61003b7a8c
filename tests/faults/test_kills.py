"""A killed fit or activation leaves the old model active and scoring as it was, and the next fit succeeds."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.dbt_folder import succeeded
from tests.faults.killed_commands import Scenario, copy_database
from tests.small_shop import DATABASE, Shop, Stages
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import SCHEMA_TABLE, TABLES
from warehouse_seg.warehouse.connection import connect

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def scenarios(stages: Stages, folder: Path) -> dict[str, Scenario]:
    """Every kill of every job; about half a second each."""
    stages.with_features().copy(folder / "shop")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_commands", str(folder / "shop")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return TypeAdapter(dict[str, Scenario]).validate_json(done.stdout)


JOBS = ("first fit", "later fit", "activate", "rollback")


def test_the_listed_statements_are_all_that_write(scenarios: dict[str, Scenario]) -> None:
    inserts = [
        f'insert into "shop"."main"."{name}"'
        for name in (
            "seg_model_candidates",
            "seg_model_features",
            "seg_model_components",
            "seg_model_categories",
            "seg_model_segment_matches",
            "seg_models",
            "seg_model_activations",
        )
    ]
    # A first version continues nothing.
    first = [insert for insert in inserts if "segment_matches" not in insert]
    creates = ['create schema if not exists "shop"."main"']
    creates += [
        f'create table if not exists "shop"."main"."{name}"' for name in (*TABLES, SCHEMA_TABLE)
    ]
    creates.append(f'insert into "shop"."main"."{SCHEMA_TABLE}"')
    assert {job: scenario.statements for job, scenario in scenarios.items()} == {
        "first fit": creates + first,
        "later fit": inserts,
        "activate": inserts[-1:],
        "rollback": inserts[-1:],
    }


@pytest.mark.parametrize("job", JOBS)
def test_each_statement_was_followed_by_a_kill(scenarios: dict[str, Scenario], job: str) -> None:
    scenario = scenarios[job]
    planned = [kill for kill in scenario.kills if kill.after is not None]
    assert [kill.after for kill in planned] == list(range(len(scenario.statements) + 1))
    assert {kill.signal for kill in planned} == {signal.SIGKILL}


@pytest.mark.parametrize("job", JOBS)
def test_before_the_last_statement_nothing_has_changed(
    scenarios: dict[str, Scenario], job: str
) -> None:
    scenario = scenarios[job]
    for kill in scenario.kills:
        whole = kill.after == len(scenario.statements) or kill.signal is None
        if kill.after is None and kill.left.active == scenario.end.active:
            continue  # the moment was after the last statement
        expected = scenario.end if whole else scenario.start
        assert kill.left.active == expected.active, kill.after
        if not whole:
            assert kill.left.sql == scenario.start.sql, kill.after


@pytest.mark.parametrize("job", JOBS)
def test_the_next_fit_succeeds_with_a_new_number_and_mixes_nothing(
    scenarios: dict[str, Scenario], job: str
) -> None:
    for kill in scenarios[job].kills:
        assert kill.next_version == kill.left.largest_number + 1, kill.after
        assert kill.then.active == kill.next_version
        expected = kill.left.fingerprints | {str(kill.next_version): kill.next_fingerprint}
        assert kill.then.fingerprints == expected, kill.after
        assert scenarios[job].start.fingerprints.items() <= kill.then.fingerprints.items()


def test_dbt_takes_what_a_killed_first_fit_left_for_no_model(
    scenarios: dict[str, Scenario], folder: Path, tmp_path: Path
) -> None:
    """The kill came between two `create table`."""
    shop = Shop(folder / "shop").copy(tmp_path / "shop")
    copy_database(folder / "first_fit" / "killed_after_4.duckdb", shop.folder / DATABASE)
    done = shop.dbt("build", "--select", "seg_customer_features+")
    assert done.exit_code == 1
    assert "no segment model is active" in done.stderr
    assert "ERROR=1" in done.stderr


def test_dbt_scores_after_a_killed_fit_as_before_to_the_last_bit(
    scenarios: dict[str, Scenario], folder: Path, tmp_path: Path
) -> None:
    """Another model stands in the registry, whole but for its activation."""
    shop = Shop(folder / "later_fit").copy(tmp_path / "shop")
    last_but_one = len(scenarios["later fit"].statements) - 1
    tables = []
    for name in ("start", f"killed_after_{last_but_one}"):
        copy_database(shop.folder / f"{name}.duckdb", shop.folder / DATABASE)
        succeeded(shop.dbt("build", "--select", "seg_customer_scores", "seg_customer_segments"))
        tables.append(shop.segments())
    before, after = tables
    assert before == after
    assert shop.rows("select max(model_version) from seg_models") == [(3,)]


# Seconds from the start, which dbt's part takes; and from the first line of progress, after which Python writes.
MOMENTS = [(False, 4.0)] * 8 + [(True, 1.5)] * 2


def test_the_program_killed_at_random_moments(scored_shop: Shop) -> None:
    """The real program, and the dbt that it starts."""
    chance = random.Random("moments")
    searched = scoring(scored_shop)
    succeeded(scored_shop.warehouse_seg("fit"))
    refitted = scoring(scored_shop)
    ended = []
    for in_python, longest in MOMENTS:
        # A search that gives the active model again would store nothing: the refit is active before each.
        activate(scored_shop, 2)
        ended.append(killed_fit(scored_shop, in_python, chance.uniform(0, longest)))
        # All searches are of the same customers: whichever of them is active, it scores as the first one did.
        assert scoring(scored_shop) in {refitted, searched}
    assert set(ended) <= {0, -signal.SIGKILL}
    assert ended.count(-signal.SIGKILL) >= len(MOMENTS) / 2


def activate(shop: Shop, version: int) -> None:
    with connect(shop.folder / DATABASE) as warehouse:
        registry = Registry(warehouse, {name: name for name in TABLES}, "main")
        registry.activate(version, "activate", "a test", expected=registry.active_version())


def scoring(shop: Shop) -> str:
    """The SQL of the active model but for its number; every stored model can be read."""
    with connect(shop.folder / DATABASE, read_only=True) as warehouse:
        registry = Registry(warehouse, {name: name for name in TABLES}, "main")
        stored = {
            row["model_version"]: registry.read(row["model_version"]) for row in registry.models()
        }
        active = registry.active_version()
        assert active is not None
        return stored[active].model_copy(update={"model_version": 1}).score_sql("features")


def killed_fit(shop: Shop, in_python: bool, after_seconds: float) -> int:
    """Kill `warehouse-seg fit` and the dbt that it may be waiting for; its exit code."""
    with subprocess.Popen(
        [sys.executable, "-m", "warehouse_seg", "fit", "--reselect", "--verbose"],
        cwd=shop.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as program:
        assert program.stderr is not None
        if in_python:
            assert any(b" customers" in line for line in iter(program.stderr.readline, b""))
        with contextlib.suppress(subprocess.TimeoutExpired):
            return program.wait(after_seconds)
        os.killpg(program.pid, signal.SIGKILL)
    return program.returncode
