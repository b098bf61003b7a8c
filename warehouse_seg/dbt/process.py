"""Runs another program to its end, and never leaves it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""What a scheduler or a closed terminal sends. Ctrl-C reaches every program of the terminal by itself."""

PATIENCE = 5.0
"""Seconds that the other program gets to end by itself."""


def run_to_end(
    command: Sequence[str], *, folder: str, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The program's exit code and what it printed. Where we are asked to end it ends first.

    variables: of the environment, over our own
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as program:
        try:
            with _ending_it_first(program):
                stdout, stderr = program.communicate()
        except BaseException:
            _end(program)
            raise
    return subprocess.CompletedProcess(command, program.returncode, stdout, stderr)


@contextmanager
def imported_meanwhile(*modules: str) -> Iterator[None]:
    """Import modules in another thread while this one waits for a program."""

    def imported() -> None:
        # What cannot be imported is said where it is needed.
        with suppress(ImportError):
            for module in modules:
                import_module(module)

    thread = threading.Thread(target=imported, daemon=True)
    thread.start()
    yield
    thread.join()


@contextmanager
def _ending_it_first(program: subprocess.Popen[str]) -> Iterator[None]:
    """While it runs, a signal that ends us ends the program, and then us as it would have."""
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may handle signals.
        yield
        return

    def end_both(number: int, _frame: FrameType | None) -> None:
        _end(program)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    earlier = {number: signal.signal(number, end_both) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _end(program: subprocess.Popen[str]) -> None:
    program.terminate()
    try:
        program.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
