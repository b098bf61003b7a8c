"""Where text goes: results to stdout, everything else to stderr; what steers a terminal goes to neither."""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from warehouse_seg.cli.narrow import fitting
from warehouse_seg.cli.visible import plain, visible

PIPE_WIDTH = 160
"""A table in a file or a log has no window to fit into; eighty columns would cut its cells."""


class _VisibleConsole(Console):
    """A console whose every text is `visible`, and every table readable; colours and other codes of its own stay."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        if isinstance(renderable, Table):
            renderable = fitting(renderable, self, options or self.options)
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


def _console(*, stderr: bool = False) -> Console:
    console = _VisibleConsole(stderr=stderr, soft_wrap=True, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


out, stderr = _console(), _console(stderr=True)


def print_json(content: Any) -> None:
    """The content as indented JSON on stdout; dates and other values as texts."""
    typer.echo(json.dumps(content, indent=2, default=_as_json))


def _as_json(value: Any) -> Any:
    """A typed model as its fields; anything else that JSON has no word for as a text."""
    return value.model_dump() if hasattr(value, "model_dump") else str(value)


def print_exactly(text: str) -> None:
    """A text for another program on stdout, as it is; what steers a terminal is made visible where one reads it."""
    typer.echo(visible(text) if sys.stdout.isatty() else text, nl=False)


def print_on_any_output() -> None:
    """From now on stdout and stderr take every character, whatever their encoding is."""
    codecs.register_error("plain", plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="plain")
