"""dbt ends with us: whatever ends the program that called it, nothing goes on writing in the warehouse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse_seg.dbt import process
from warehouse_seg.dbt.process import run_to_end

CALLER = """
import sys
from warehouse_seg.dbt import process
process.PATIENCE = 0.5
process.run_to_end([sys.executable, "-c", sys.argv[1]], folder=".", variables={})
"""
SLOW = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLOW


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("other", [SLOW, STUBBORN], ids=["heeds it", "ignores it"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_us_ends_the_other_program_first(
    tmp_path: Path, how: signal.Signals, other: str
) -> None:
    with subprocess.Popen([sys.executable, "-c", CALLER, other], cwd=tmp_path) as caller:
        started = time.monotonic()
        while not (file := tmp_path / "pid").exists() or not file.read_text():
            assert time.monotonic() - started < 60
            time.sleep(0.02)
        caller.send_signal(how)
        assert caller.wait(30) == -how
    assert not is_alive(int(file.read_text()))


def test_an_interruption_here_ends_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ctrl-C does, after which Python raises."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_to_end([sys.executable, "-c", SLOW], folder=str(tmp_path), variables={})
    assert time.monotonic() - started < 30


def test_afterwards_signals_are_handled_as_before(tmp_path: Path) -> None:
    earlier = {number: signal.getsignal(number) for number in process.ENDING}
    run_to_end([sys.executable, "-c", ""], folder=str(tmp_path), variables={})
    assert {number: signal.getsignal(number) for number in process.ENDING} == earlier


def test_what_it_said_comes_back_whatever_its_bytes(tmp_path: Path) -> None:
    code = "import os, sys; os.write(1, b'caf\\xe9'); os.write(2, os.environ['X'].encode()); sys.exit(3)"
    done = run_to_end([sys.executable, "-c", code], folder=str(tmp_path), variables={"X": "x"})
    assert (done.returncode, done.stdout, done.stderr) == (3, "caf\ufffd", "x")
