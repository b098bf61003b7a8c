"""Where text goes: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
from typing import Any

import typer
from rich.console import Console

PIPE_WIDTH = 160
"""A table in a file or a log has no window to fit into; eighty columns would cut its cells."""


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


out, stderr = _console(), _console(stderr=True)


def print_json(content: Any) -> None:
    """The content as indented JSON on stdout; dates and other values as texts."""
    typer.echo(json.dumps(content, indent=2, default=str))
