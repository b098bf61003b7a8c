"""Renders events on stderr, each as its level asks for."""

from __future__ import annotations

from threading import RLock
from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from warehouse_seg.cli.output import stderr
from warehouse_seg.events import Event

Verbosity = Literal["quiet", "default", "verbose"]


class Reporter:
    """Renders the events of one command: steps at once, warnings last, in yellow, each once.

    verbosity: "quiet" renders warnings alone, "default" steps too, "verbose" every event; the command's options set it
    While candidates are counted a terminal shows a progress bar. Use it as a context around results and errors: leaving
    it prints the warnings. Events may come from several threads.
    """

    def __init__(self, verbosity: Verbosity = "default", console: Console = stderr) -> None:
        self.verbosity: Verbosity = verbosity
        self._console = console
        self._warnings: list[str] = []
        self._bar: Progress | None = None
        self._lock = RLock()

    def emit(self, event: Event) -> None:
        """Render an event, or keep it for the end where it is a warning."""
        with self._lock:
            if event.level == "warning":
                # A model's warning comes from its fit, from the registry, and from a test that repeats it.
                if event.text not in self._warnings:
                    self._warnings.append(event.text)
            elif event.level == "step":
                self._render_step(event)
            else:
                self._render_progress(event)

    def error(self, text: str) -> None:
        """Render why the command ends early."""
        with self._lock:
            self._end_bar()
            self._console.print(f"[bold red]error:[/] {escape(text)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._end_bar()
            for text in self._warnings:
                self._console.print(f"[yellow]warning: {escape(text)}[/]")
            self._warnings.clear()

    def _render_step(self, event: Event) -> None:
        self._end_bar()
        if self.verbosity != "quiet":
            self._console.print(f"[green]✓[/] {escape(event.text)}")

    def _render_progress(self, event: Event) -> None:
        if self.verbosity == "verbose":
            self._console.print(f"  [dim]{escape(event.text)}[/]")
        if event.done is not None and event.total is not None:
            self._advance(event.done, event.total, event.unit)

    def _advance(self, done: int, total: int, unit: str) -> None:
        if self.verbosity == "quiet" or not self._console.is_terminal:
            return
        if self._bar is None:
            self._bar = self._started_bar(done, total, unit)
        else:
            (task,) = self._bar.task_ids
            self._bar.update(task, completed=done, total=total)
        if done >= total:
            self._end_bar()

    def _started_bar(self, done: int, total: int, unit: str) -> Progress:
        columns = (
            TextColumn(f"  {unit}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        # Results go to stdout untouched; lines on this console stand above the bar.
        bar = Progress(
            *columns,
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.add_task(unit, completed=done, total=total)
        bar.start()
        return bar

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = None
