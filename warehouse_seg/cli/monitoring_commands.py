"""Commands around history: backfill."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer

from warehouse_seg.cli.options import AsJson
from warehouse_seg.cli.output import out, print_json
from warehouse_seg.cli.reporter import Reporter
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.settings import Period


def backfill(
    project: DbtProject,
    reporter: Reporter,
    first: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], help="From this day on; else from the first order."
        ),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], help="Up to this day; else as far as orders are known."
        ),
    ] = None,
    every: Annotated[
        Period | None, typer.Option(help="The grid of the dates, as `history.every` has it.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="A stored version scores all dates; else the active one.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Replace the dates that are there too.")
    ] = False,
    restate: Annotated[
        bool,
        typer.Option(
            "--restate", help="Add what is known of the dates now, beside what was known then."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill the history for dates that no build has scored, with a frozen model."""
    from warehouse_seg.cli.history_view import backfill_lines
    from warehouse_seg.commands.backfill import Options
    from warehouse_seg.commands.backfill import backfill as fill

    options = Options(_day(first), _day(last), every, version, again, restate)
    result = fill(project, options, emit=reporter.emit)
    if as_json:
        print_json(asdict(result))
    else:
        out.print(*backfill_lines(result), sep="\n")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
