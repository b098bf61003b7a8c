"""What a backfill wrote, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse_seg.commands.backfill import Backfilled


def backfill_lines(result: Backfilled) -> Iterator[str]:
    """The dates, the model, and what was there already."""
    if not result.dates:
        yield f"nothing to do: the history has all {result.kept} dates"
        return
    dates = (
        result.dates[0] if len(result.dates) == 1 else f"{result.dates[0]} to {result.dates[-1]}"
    )
    versions = ", ".join(map(str, result.model_versions))
    what = "restated" if result.basis == "restated" else "written"
    yield f"{len(result.dates)} dates {what}, {dates}, model version {versions} ({result.seconds:.0f} s)"
    if result.kept:
        yield f"{result.kept} dates of the range were there already; --again replaces them"
