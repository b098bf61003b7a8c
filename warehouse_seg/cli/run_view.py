"""How the result of `run` is laid out for a person: one row per segment, then what was scored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from warehouse_seg.cli.numbers import decimal, percent

if TYPE_CHECKING:
    from warehouse_seg.commands.run import Summary


def summary_lines(summary: Summary) -> Iterator[Table | str]:
    """The segments, the largest first; the tiers; the model and the time."""
    table = Table("segment", "name", "customers", "share", "expected", "mean membership")
    for row in summary.segments:
        table.add_row(
            row["segment_key"],
            escape(row["segment_name"]),
            f"{row['customers']:,}",
            percent(row["share"]),
            f"{row['expected_customers']:z,.0f}",
            decimal(row["mean_membership"]),
        )
    yield table
    tiers = ", ".join(f"{tier} {count:,}" for tier, count in summary.tiers.items())
    yield f"{summary.customers:,} customers as of {summary.as_of_date}: {tiers}"
    yield f"model version {summary.model_version}; {summary.seconds:z.0f} seconds"
