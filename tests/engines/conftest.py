"""A real Postgres and a real Spark, each with the shops of DuckDB carried over. Nothing here is ever skipped.

Collected by `make test-engines` only, which installs what it needs.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.engines import shops
from tests.engines.postgres_server import postgres_server
from tests.engines.shops import Load, Shop
from tests.real_data import project
from warehouse_seg.commands.models import stored_model

collect_ignore_glob = [] if os.getenv("TEST_ENGINES") == "true" else ["test_*.py"]

SPARK = {
    "type": "spark",
    "method": "session",
    "host": "localhost",
    "threads": 2,
    "server_side_parameters": {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
    },
}


ENGINES = ("postgres", "spark")


class OneWorkerPerEngine(LoadScopeScheduling):  # type: ignore[misc]
    """All tests of an engine in one worker, which starts it once. (xdist's own groups are lost on pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        named = re.search(rf"[\[-]({'|'.join(ENGINES)})[\]-]", nodeid)
        return named[1] if named else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return OneWorkerPerEngine(config, log)


@dataclass(frozen=True)
class Engine:
    """An engine that is running.

    output: of a dbt profile, without a schema; load: how it gets a table
    """

    name: str
    output: dict[str, Any]
    load: Load


@dataclass(frozen=True)
class Twins:
    """One shop on DuckDB and on another engine, both scored by the model that was fitted on DuckDB."""

    duckdb: Shop
    other: Shop


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A skip is a failure: an engine that is not there has not given the same answers."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and no engine may be: {report.longrepr}"


@pytest.fixture(scope="session")
def exchange() -> Iterator[Path]:
    """A folder that a server of another user may enter."""
    with tempfile.TemporaryDirectory(prefix="warehouse-seg-exchange-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest, exchange: Path) -> Iterator[Engine]:
    if request.param == "spark":
        yield Engine("spark", SPARK, partial(shops.load_into_spark, exchange=exchange))
        return
    with postgres_server() as output:
        yield Engine("postgres", output, partial(shops.load_into_postgres, exchange=exchange))


@pytest.fixture(scope="session")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shop]:
    """A shop on DuckDB, built once however many test workers there are."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    makers: dict[str, Callable[[Path], Shop]] = {
        "demo": shops.demo_on_duckdb,
        "complete_journey": partial(
            shops.complete_journey_on_duckdb, data=project.complete_journey_folder()
        ),
    }

    def made(name: str) -> Shop:
        folder, ready = shared / name, shared / f"{name}.ready"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                makers[name](folder)
                ready.touch()
        return Shop(folder)

    return made


@pytest.fixture(scope="session", params=["demo", "complete_journey"])
def twins(
    request: pytest.FixtureRequest,
    engine: Engine,
    on_duckdb: Callable[[str], Shop],
    tmp_path_factory: pytest.TempPathFactory,
) -> Twins:
    return twins_of(on_duckdb(request.param), engine, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def demo(
    engine: Engine, on_duckdb: Callable[[str], Shop], tmp_path_factory: pytest.TempPathFactory
) -> Twins:
    """The demo, and on the other engine its raw tables alone: everything else is for `warehouse-seg run` to make."""
    reference = on_duckdb("demo")
    other = reference.on(tmp_path_factory.mktemp("native") / "demo", engine.output, "native")
    shops.carry(reference.database, other, engine.load)
    return Twins(reference, other)


def twins_of(reference: Shop, engine: Engine, folder: Path) -> Twins:
    """The reference's raw tables and model on another engine, and there everything built by `dbt build`."""
    other = reference.on(folder / "shop", engine.output, f"analytics_{folder.name}"[:40])
    shops.carry(reference.database, other, engine.load)
    other.publish(stored_model(reference.project, None))
    other.dbt("build")
    return Twins(reference, other)
