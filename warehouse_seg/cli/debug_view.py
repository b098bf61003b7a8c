"""How the result of `debug` is laid out for a person: a line for each check, example rows, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from warehouse_seg.commands.debug import Check, Diagnosis

MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "failed": "[red]✗[/]"}


def diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str | Table]:
    """Every check, in order; the order lines as the package reads them; the next step."""
    yield from map(_line, diagnosis.checks)
    if diagnosis.examples:
        yield _examples(diagnosis.examples)
    yield f"next: {escape(diagnosis.next_step)}"


def _line(check: Check) -> str:
    line = f"{MARKS[check.state]} [bold]{check.name}[/]: {escape(check.text)}"
    return line if check.to_do is None else f"{line}\n  to do: {escape(check.to_do)}"


def _examples(rows: list[dict[str, Any]]) -> Table:
    names = [name for name in rows[0] if name != "unrounded_amount"]
    table = Table(*names, title="the newest order lines, as the package reads them")
    for row in rows:
        table.add_row(*(escape(str(row[name])) for name in names))
    return table
