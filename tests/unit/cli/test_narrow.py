"""A table is readable in any window: as a table where its words fit, else row by row, and nothing is cut."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.table import Table

from warehouse_seg.cli.narrow import fitting
from warehouse_seg.cli.output import _VisibleConsole

HEADERS = (
    "",
    "version",
    "created (UTC)",
    "segments",
    "covariance",
    "customers",
    "warnings",
    "notes",
)
ROWS = (
    (
        "[green]active[/]",
        "2",
        "2026-11-27 17:50",
        "10",
        "spherical",
        "60,000,000",
        "2",
        "[bold]two",
    ),
    ("", "1", "2026-11-26 17:48", "3", "full", "60,000,000", "", ""),
)


def printed(table: Table, width: int) -> str:
    console = _VisibleConsole(width=width, soft_wrap=True, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def stored() -> Table:
    table = Table(*HEADERS, title="stored")
    for row in ROWS:
        table.add_row(*row)
    return table


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_word_is_cut_in_a_narrow_window(width: int) -> None:
    text = printed(stored(), width)
    assert "…" not in text
    for word in ("created (UTC)", "2026-11-27 17:50", "spherical", "60,000,000", "active", "two"):
        assert word in text
    assert text.count("version") == len(ROWS)
    assert "[green]" not in text


def test_a_wide_window_shows_the_table() -> None:
    assert printed(stored(), 160).count("version") == 1


def test_an_empty_cell_has_no_line() -> None:
    assert printed(stored(), 40).count("notes") == 1


def test_what_has_no_heading_stays() -> None:
    grid = Table.grid()
    grid.add_row("a" * 50, "b" * 50)
    console = Console(width=40)
    assert fitting(grid, console, console.options) is grid
