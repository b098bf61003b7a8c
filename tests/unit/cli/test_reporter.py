"""What a command's events look like: by level, warnings last and once, a bar on a terminal alone, from any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier

import pytest
from rich.console import Console

from warehouse_seg.cli.reporter import Reporter, Verbosity
from warehouse_seg.events import Event

YELLOW = "\x1b[33m"
EVENTS = [
    Event.warning("few [customers]"),
    Event.step("features built"),
    Event.progress("2 segments: BIC 10"),
    Event.warning("few [customers]"),
    Event.step("recommended: 2 segments"),
]


def pipe() -> Console:
    return Console(file=StringIO(), soft_wrap=True, highlight=False, width=160)


def terminal() -> Console:
    return Console(
        file=StringIO(),
        force_terminal=True,
        color_system="standard",
        soft_wrap=True,
        highlight=False,
        width=80,
    )


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def reported(verbosity: Verbosity, console: Console) -> list[str]:
    with Reporter(verbosity, console) as reporter:
        for event in EVENTS:
            reporter.emit(event)
    return written(console).splitlines()


@pytest.mark.parametrize(
    ("verbosity", "lines"),
    [
        ("quiet", []),
        ("default", ["✓ features built", "✓ recommended: 2 segments"]),
        ("verbose", ["✓ features built", "  2 segments: BIC 10", "✓ recommended: 2 segments"]),
    ],
)
def test_each_verbosity_has_its_levels_and_the_warnings_once_at_the_end(
    verbosity: Verbosity, lines: list[str]
) -> None:
    assert reported(verbosity, pipe()) == [*lines, "warning: few [customers]"]


def test_a_warning_is_yellow_on_a_terminal() -> None:
    (line,) = reported("quiet", terminal())
    assert line == f"{YELLOW}warning: few [customers]\x1b[0m"


def test_warnings_come_after_the_error() -> None:
    console = pipe()
    with Reporter("default", console) as reporter:
        reporter.emit(Event.warning("the limit is near"))
        reporter.error("every candidate was refused [all]")
    assert written(console).splitlines() == [
        "error: every candidate was refused [all]",
        "warning: the limit is near",
    ]


def test_a_terminal_has_a_bar_with_the_number_of_candidates() -> None:
    console = terminal()
    with Reporter("verbose", console) as reporter:
        for done in range(1, 5):
            reporter.emit(Event.progress(f"candidate {done}", done, 4))
        reporter.emit(Event.step("recommended"))
    text = written(console)
    assert "1/4" in text
    for done in range(1, 5):
        # A whole line of its own, whatever the bar below it does.
        assert f"  \x1b[2mcandidate {done}\x1b[0m" in text
    # The bar is erased, and the cursor is back, before the next line is printed.
    after_bar = text[text.rindex("\x1b[?25h") :]
    assert "recommended" in after_bar
    assert "/4" not in after_bar


def test_the_bar_ends_with_the_last_candidate_so_that_results_stand_alone() -> None:
    console = terminal()
    with Reporter("default", console) as reporter:
        reporter.emit(Event.progress("candidate 1", 1, 2))
        assert "\x1b[?25h" not in written(console)
        reporter.emit(Event.progress("candidate 2", 2, 2))
        assert "\x1b[?25h" in written(console)
        assert "candidate 2" not in written(console)


@pytest.mark.parametrize(
    ("verbosity", "console"), [("quiet", terminal()), ("default", pipe()), ("verbose", pipe())]
)
def test_there_is_no_bar_in_quiet_and_none_in_a_log(verbosity: Verbosity, console: Console) -> None:
    with Reporter(verbosity, console) as reporter:
        reporter.emit(Event.progress("candidate 1", 1, 4))
    assert "1/4" not in written(console)


def test_events_may_come_from_several_threads() -> None:
    """As many threads as candidates, all at once: every line is whole, and one bar counted them."""
    threads = 16
    console, start = terminal(), Barrier(threads)

    def work(candidate: int) -> None:
        start.wait()
        reporter.emit(Event.progress(f"candidate {candidate:02}", candidate, threads + 1))

    with Reporter("verbose", console) as reporter, ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(1, threads + 1)))
    text = written(console)
    for candidate in range(1, threads + 1):
        assert text.count(f"  \x1b[2mcandidate {candidate:02}\x1b[0m") == 1
    hidden, shown = "\x1b[?25l", "\x1b[?25h"
    assert (text.count(hidden), text.count(shown)) == (1, 1)
