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
    first, last = result.dates[0], result.dates[-1]
    span = first if first == last else f"{first} to {last}"
    versions = ", ".join(map(str, result.model_versions))
    what = "restated" if result.basis == "restated" else "written"
    dates = _dates(len(result.dates))
    yield f"{dates} {what}, {span}, model version {versions} ({result.seconds:z.0f} s)"
    if result.kept and what == "written":
        verb = "was" if result.kept == 1 else "were"
        yield f"{_dates(result.kept)} of the range {verb} there already; --again replaces what is there"


def _dates(count: int) -> str:
    return "1 date" if count == 1 else f"{count} dates"
