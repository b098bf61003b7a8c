"""A table in a window that is too narrow for its words: each row becomes a block of lines, none of them cut."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

AMPLE = 10_000
"""Columns of a window in which every table has the width that it asks for."""


def fitting(table: Table, console: Console, options: ConsoleOptions) -> RenderableType:
    """The table where its longest words fit into the window, else its rows as blocks of `column: value`."""
    needed = Measurement.get(console, options.update(width=AMPLE), table).minimum
    if not table.show_header or needed <= options.max_width:
        return table
    return _blocks(table, console)


def _blocks(table: Table, console: Console) -> Group:
    headers = [console.render_str(str(column.header)) for column in table.columns]
    rows = zip(*(column.cells for column in table.columns), strict=True)
    width = max(header.cell_len for header in headers)
    lines: list[RenderableType] = [console.render_str(str(table.title))] if table.title else []
    for row in rows:
        # A column without a heading marks the row.
        lines.append(Text("─" * (width + 1)))
        for header, cell in zip(headers, row, strict=True):
            text = cell if isinstance(cell, Text) else console.render_str(str(cell))
            if text.plain:
                lines.append(Text.assemble(header.plain.ljust(width), "  ", text))
    return Group(*lines)
