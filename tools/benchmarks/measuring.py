"""What the benchmarks share: one measurement in a process of its own, turns, tables and promises.

Every measurement is a process of its own, so that its peak memory is its own too, and the ways take turns, so that
whatever else the machine does falls on all of them. Imports and connecting are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import duckdb

Connection = duckdb.DuckDBPyConnection

OUT_OF_MEMORY = 77
"""The exit code of a process that says so itself; the kernel says it with a signal."""


@dataclass(frozen=True)
class Measurement:
    """What one way took once, in its own process. The peak includes some 0.2 GB of imported packages.

    processor_seconds: of all threads; on a busy machine they tell more than seconds
    """

    seconds: float
    processor_seconds: float
    peak_gigabytes: float


@dataclass(frozen=True)
class Promise:
    """A sentence, the ratio measured and whether that keeps it."""

    sentence: str
    measured: float
    kept: bool


Measurements = dict[str, list[Measurement]]
"""Measurements by way; none of a way that ran out of memory."""


# --------------------------------------------------------------------------------------------------- one measurement


def run(connection: Connection, statement: str) -> None:
    """Execute a statement to its end: DuckDB 2 leaves a result that is not fetched unfinished."""
    connection.execute(statement).fetchall()


def timed(work: Callable[[], object]) -> Measurement:
    """How long `work` takes, and the most memory that this process has held so far."""
    start, processor = time.perf_counter(), time.process_time()
    work()
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Measurement(seconds, processor_seconds, peak * unit / 1e9)


def within_memory(gigabytes: float, work: Callable[[], Measurement]) -> Measurement:
    """`work` in a process that gets no more memory than that, and ends with its own exit code where it needs more."""
    most = int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    try:
        return work()
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)


def print_measurement(entry: Measurement) -> None:
    """For the process that asked."""
    print(json.dumps(asdict(entry)))


# ---------------------------------------------------------------------------------------------------------- turns


def arguments_of(
    module: str, description: str | None, ways: Iterable[str], repetitions: int, size: type = int
) -> argparse.ArgumentParser:
    """The options that every benchmark has; those that it calls its own processes with are not in its `--help`.

    size: the type of the number that `--prepare` takes
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument(
        "--repetitions",
        type=int,
        default=repetitions,
        help=f"interleaved runs of every way ({repetitions})",
    )
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", type=size, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=list(ways), help=argparse.SUPPRESS)
    return parser


def in_own_process(module: str, folder: Path, *arguments: str) -> str:
    """What a benchmark's module prints for these arguments. Even the data are made apart from the process that asks:
    a child's peak memory starts at its parent's.
    """
    command = [sys.executable, "-m", module, "--folder", str(folder), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def measured_apart(module: str, folder: Path, way: str) -> Measurement | None:
    """One way in its own process; None where that ran out of memory."""
    try:
        return Measurement(**json.loads(in_own_process(module, folder, "--measure", way)))
    except subprocess.CalledProcessError as error:
        if error.returncode in (OUT_OF_MEMORY, -9):
            return None
        raise


def interleaved(module: str, folder: Path, ways: Iterable[str], repetitions: int) -> Measurements:
    """Every way in turn, `repetitions` times; one that ran out of memory is not asked again."""
    results: Measurements = {way: [] for way in ways}
    lost: set[str] = set()
    for repeat in range(1, repetitions + 1):
        for way in [way for way in results if way not in lost]:
            entry = measured_apart(module, folder, way)
            tell(
                f"run {repeat} of {repetitions}: {way} "
                + (f"{entry.seconds:.2f} s" if entry else "out of memory")
            )
            if entry:
                results[way].append(entry)
            else:
                lost.add(way)
    return results


def tell(line: str) -> None:
    """Progress is talk, not a result."""
    print(line, file=sys.stderr, flush=True)


# --------------------------------------------------------------------------------------------------------- tables


def medians(results: Mapping[str, Sequence[Measurement]]) -> dict[str, float]:
    """Seconds by way; infinite where a way never ended."""
    return {
        way: median(entry.seconds for entry in each) if each else float("inf")
        for way, each in results.items()
    }


def spread(measurements: Sequence[Measurement]) -> str:
    """The fastest and the slowest."""
    times = sorted(entry.seconds for entry in measurements)
    return f"{times[0]:.2f} to {times[-1]:.2f}" if times else "out of memory"


def processor(measurements: Sequence[Measurement]) -> str:
    """The median of processor seconds."""
    times = [entry.processor_seconds for entry in measurements]
    return f"{median(times):.1f}" if times else "–"


def peak(measurements: Sequence[Measurement]) -> str:
    """The most memory that any run held."""
    return f"{max(entry.peak_gigabytes for entry in measurements):.1f}" if measurements else "–"


def machine(*packages: str) -> str:
    """What it was measured with."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{versions}, Python {platform.python_version()}, {os.cpu_count()} cores"


def promise_lines(promises: Iterable[Promise]) -> Iterator[str]:
    """The table of promises, in Markdown."""
    yield "| promise | measured | |"
    yield "|---|---:|---|"
    for promise in promises:
        verdict = "kept" if promise.kept else "BROKEN"
        yield f"| {promise.sentence} | {promise.measured:.2f} | {verdict} |"
