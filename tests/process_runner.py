"""dbt and warehouse-seg as programs of their own, without the seconds that their imports take.

Each call is a new process, as a user's is, but forked from a server that has imported dbt already: on the machine this
was measured on a `dbt parse` took 1.8 seconds instead of 5.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

PATIENCE_SECONDS = 900
"""The longest program, a whole run on 1.5 million order lines, takes 65 seconds of one core; four times as long on a
machine that six others share."""

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb", "dbt.parser.manifest"])


@dataclass(frozen=True)
class Finished:
    """What a program left: its exit code and what it wrote."""

    exit_code: int
    out: str
    err: str

    @property
    def stderr(self) -> str:
        """Everything that was said."""
        return self.out + self.err


def dbt(*arguments: str, folder: Path) -> Finished:
    """Run `dbt …` in a folder."""
    return _finished("dbt.cli.main:cli", arguments, folder)


def warehouse_seg(*arguments: str, folder: Path) -> Finished:
    """Run `warehouse-seg …` in a folder."""
    return _finished("warehouse_seg.cli.app:main", arguments, folder)


def _finished(program: str, arguments: tuple[str, ...], folder: Path) -> Finished:
    with tempfile.TemporaryDirectory() as name:
        streams = Path(name)
        process = _SERVER.Process(target=_run, args=(program, arguments, folder, streams))
        process.start()
        process.join(PATIENCE_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{program} {arguments} took more than {PATIENCE_SECONDS} seconds")
        out, err = ((streams / stream).read_text("utf-8") for stream in ("out", "err"))
    return Finished(process.exitcode, out, err)


def _run(program: str, arguments: tuple[str, ...], folder: Path, streams: Path) -> None:
    """In the new process: become the program."""
    for number, stream in ((1, "out"), (2, "err")):
        os.dup2(os.open(streams / stream, os.O_WRONLY | os.O_CREAT), number)
    os.environ |= {"DBT_USE_COLORS": "false", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    os.chdir(folder)
    sys.argv = [program, *arguments]
    resolve_name(program)()
