"""How the result of `profile` is laid out for a person: one panel per segment for rich to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from warehouse_seg.segments.vocabulary import readable_number

if TYPE_CHECKING:
    from warehouse_seg.commands.profile import Profile, SegmentProfile

MEASURES = 6
"""So many of the most distinctive measures are shown; all of them are in seg_segment_profiles."""

FOR_MODELS = ("category_entropy",)
"""Numbers that tell people nothing."""

NOTHING = "–"


def profile_panels(profile: Profile) -> Iterator[Panel | str]:
    """Every segment, the largest first, then how the figures are to be read."""
    yield from map(_panel, profile.segments)
    yield (
        f"{profile.customers:,} customers, model version {profile.model_version}. Index: 100 times the mean over that "
        "of all customers. Suggestions are rules of thumb over these means; nobody has measured their effect: try "
        "them against a control group."
    )


def _panel(segment: SegmentProfile) -> Panel:
    sheet = Table.grid("", "", padding=(0, 2))
    sheet.add_row("size", _size(segment))
    sheet.add_row("who", escape(segment.description))
    sheet.add_row("behaviour", _behaviour(segment))
    sheet.add_row("suggested", f"{segment.suggested_action or 'none'} [dim]({segment.because})[/]")
    title = f"[bold]{segment.segment_key}[/] {escape(segment.segment_name)}"
    return Panel(sheet, title=title, title_align="left")


def _size(segment: SegmentProfile) -> str:
    size = f"{segment.customers:,} customers, {segment.customer_share:.1%}"
    if segment.revenue is None:
        return size
    share = NOTHING if segment.revenue_share is None else f"{segment.revenue_share:.1%}"
    return f"{size}; {share} of revenue ({segment.revenue:,.0f})"


def _behaviour(segment: SegmentProfile) -> Table:
    """The most distinctive measures: mean, index, mean of all customers."""
    table = Table.grid("", "", "", "", padding=(0, 2))
    told = [row for row in segment.measures if row["feature"] not in FOR_MODELS]
    for row in told[:MEASURES]:
        index = row["index_vs_population"]
        table.add_row(
            escape(row["feature"]),
            _in_its_unit(row, "mean"),
            f"index {NOTHING if index is None else f'{index:,.0f}'}",
            f"[dim]all customers {_in_its_unit(row, 'population_mean')}[/]",
        )
    return table


def _in_its_unit(row: dict[str, Any], name: str) -> str:
    if row[name] is None:
        return NOTHING
    return f"{row[name]:.1%}" if row["feature"].startswith("share_") else readable_number(row[name])
