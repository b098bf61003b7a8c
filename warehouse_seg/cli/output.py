"""Where text goes: results to stdout, events to stderr, each event as its level asks for."""

from __future__ import annotations

import json
import os
from types import TracebackType
from typing import Any, Literal, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from warehouse_seg.events import Event

Verbosity = Literal["quiet", "default", "verbose"]

PIPE_WIDTH = 160
"""A table in a file or a log has no window to fit into; eighty columns would cut its cells."""

NOTHING = "–"


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


out, stderr = _console(), _console(stderr=True)


class Reporter:
    """Renders the events of one command on stderr: steps at once, warnings last, in yellow.

    verbosity: "quiet" renders warnings alone, "default" steps too, "verbose" every event
    While candidates are counted a terminal shows a progress bar. Use it as a context: leaving it prints the warnings,
    after an error too.
    """

    def __init__(self, verbosity: Verbosity = "default") -> None:
        self.verbosity: Verbosity = verbosity
        self._warnings: list[str] = []
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def emit(self, event: Event) -> None:
        """Render an event, or keep it for the end where it is a warning."""
        if event.level == "warning":
            # The same warning may come from the model and from a table that repeats it.
            if event.text not in self._warnings:
                self._warnings.append(event.text)
        elif event.level == "step":
            if self.verbosity != "quiet":
                self._end_bar()
                stderr.print(f"[green]✓[/] {escape(event.text)}")
        elif self.verbosity == "verbose":
            stderr.print(f"  [dim]{escape(event.text)}[/]")
        if event.total is not None:
            self._advance(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_bar()
        for text in self._warnings:
            stderr.print(f"[yellow]warning: {escape(text)}[/]")
        self._warnings.clear()

    def _advance(self, event: Event) -> None:
        if self.verbosity == "quiet" or not stderr.is_terminal:
            return
        if self._bar is None:
            columns = TextColumn("  candidates"), BarColumn(), MofNCompleteColumn()
            self._bar = Progress(*columns, console=stderr, transient=True)
            self._task = self._bar.add_task("candidates", total=event.total)
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, completed=event.done, total=event.total)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None


def print_json(content: Any) -> None:
    """The content as indented JSON on stdout; dates and other values as texts."""
    typer.echo(json.dumps(content, indent=2, default=str))


def decimal(value: float | None, digits: int = 2) -> str:
    """A number with so many digits after the point, a dash for None."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def rounded(value: float | None) -> str:
    """A whole number with commas, a dash for None."""
    return NOTHING if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A share in percent, a dash for None."""
    return NOTHING if share is None else f"{share:.1%}"
