"""A DuckDB file that another program holds: exit 2, and the message says whom to look for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pytest

from tests.shop_fixtures import Command
from tests.small_shop import DATABASE, Shop
from warehouse_seg.errors import UsageError
from warehouse_seg.warehouse import duckdb as duckdb_client
from warehouse_seg.warehouse.connection import connect, is_lock_error, lock_message

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading")
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(file: Path, how: str = "writing") -> Iterator[subprocess.Popen[bytes]]:
    """Another program has the file open."""
    command = [sys.executable, "-c", HOLDER, str(file), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        yield program
        program.kill()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "a file.duckdb"
    with duckdb.connect(str(file)) as database:
        database.execute("create table t as select 1 as i")
    return file


@pytest.mark.both_duckdb
@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_somebody_writes_is_refused_with_the_programs_name(
    file: Path, read_only: bool
) -> None:
    with held(file) as holder, pytest.raises(UsageError) as caught:
        connect(file, read_only=read_only, patience=0.1)
    assert f"locked by process {holder.pid} (" in str(caught.value)
    assert Path(sys.executable).resolve().name in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.both_duckdb
def test_a_file_that_somebody_reads_can_be_read_and_not_written(file: Path) -> None:
    with held(file, "reading") as holder:
        with connect(file, read_only=True, patience=0.1) as warehouse:
            assert warehouse.rows("from t") == [{"i": 1}]
        with pytest.raises(UsageError, match=f"locked by process {holder.pid} "):
            connect(file, patience=0.1)


@pytest.mark.both_duckdb
def test_a_lock_that_is_gone_in_time_is_waited_for(file: Path) -> None:
    with held(file) as holder:
        threading.Timer(0.5, holder.kill).start()
        with connect(file, patience=60) as warehouse:
            assert warehouse.rows("from t") == [{"i": 1}]


def test_a_lock_met_by_dbt_is_exit_2_and_says_who(scored_shop: Shop) -> None:
    with held(scored_shop.folder / DATABASE) as holder:
        done = scored_shop.warehouse_seg("run")
    assert done.exit_code == 2
    assert f"locked by process {holder.pid} (" in done.err
    assert "Traceback" not in done.err
    assert not done.out


@pytest.mark.parametrize("arguments", [["fit"], ["models"], ["activate", "1"], ["compile"]])
def test_a_lock_met_by_python_is_exit_2_and_says_who(
    scored_shop: Shop, command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    impatient = partial(duckdb_client.open_file, patience=0.1)
    monkeypatch.setattr(duckdb_client, "open_file", impatient)
    with held(scored_shop.folder / DATABASE) as holder:
        done = command(scored_shop, *arguments)
    assert done.exit_code == 2
    assert f"locked by process {holder.pid} (" in done.err
    assert not done.out
    assert len(scored_shop.rows("from seg_model_activations")) == 1


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (
            "Conflicting lock is held in /usr/bin/duckdb (PID 12) by user ada.",
            "process 12 (/usr/bin/duckdb)",
        ),
        ("Conflicting lock is held in /opt/a (b)/c (PID 12).", "process 12 (/opt/a (b)/c)"),
        ("Conflicting lock is held in PID 12.", "process 12. "),
        ("", "another process"),
    ],
)
def test_who_holds_the_file_is_read_from_duckdbs_text(text: str, who: str) -> None:
    message = f'IO Error: Could not set lock on file "/data/x.duckdb": {text}'
    assert is_lock_error(message)
    assert f"locked by {who}" in lock_message("x.duckdb", message)


def test_a_failed_model_is_not_taken_for_a_lock() -> None:
    """The words lock and set stand in many a text: block, dataset, settings."""
    assert not is_lock_error("Database Error in model blocks: column dataset not found")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.duckdb"
    file.write_text("no database" * 1000)
    with pytest.raises(UsageError, match="cannot open"):
        connect(file, patience=0.1)


def test_a_file_without_permission_is_refused_at_once(file: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may do everything")
    file.chmod(0)
    with pytest.raises(UsageError, match="cannot open"):
        connect(file)


def test_reading_a_file_that_is_not_there_says_what_to_build_first(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dbt build"):
        connect(tmp_path / "absent.duckdb", read_only=True)
    assert not (tmp_path / "absent.duckdb").exists()
