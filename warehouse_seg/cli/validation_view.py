"""How the result of `validate` is laid out for a person: tables and sentences for rich to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from warehouse_seg.cli.comparison_view import predictive_power_tables
from warehouse_seg.cli.numbers import decimal, percent

if TYPE_CHECKING:
    from warehouse_seg.commands.validate import ValidationReport
    from warehouse_seg.evaluation.audit import GroupShare
    from warehouse_seg.evaluation.validation import Validation

PAIRS = 6
"""So many of the nearest pairs of segments are listed; the others are farther apart."""


def validation_tables(report: ValidationReport) -> Iterator[Table | str]:
    """Every figure with what it is to be read against, then the verdict."""
    validation = report.figures
    yield _figures(validation)
    yield _shares(validation)
    yield _pairs(validation)
    yield from predictive_power_tables(validation.predictive_power)
    if validation.reference is not None:
        reference = validation.reference
        yield (
            f"agreement with {escape(reference.reference)} ({reference.groups} groups, {reference.customers:,} "
            f"customers): adjusted Rand index {reference.adjusted_rand:z.2f}, "
            f"normalised mutual information {reference.normalized_mutual_information:z.2f}"
        )
    if validation.protected:
        yield from _protected(validation.protected)
    yield f"[bold]verdict:[/] {escape(report.verdict)}"


def _figures(validation: Validation) -> Table:
    likelihood, starts, bootstraps = validation.likelihood, validation.starts, validation.bootstraps
    table = Table("what was asked", "found", "to be read against")
    table.add_row(
        "log likelihood per customer, held out",
        decimal(likelihood.held_out, 3),
        f"{likelihood.training:z.3f} of the customers fitted on, "
        f"{decimal(likelihood.single_gaussian, 3)} of one Gaussian",
    )
    table.add_row(
        f"agreement with {starts.nondegenerate} of {starts.searches} searches from other starts",
        decimal(starts.agreement),
        "every search collapsed"
        if starts.gain is None
        else f"1 is the same segments; the best search ended {starts.gain:+z.3f} nats per customer from the model",
    )
    table.add_row(
        "agreement with refits on bootstrap samples",
        decimal(bootstraps.agreement),
        f"segments overlap by {_listed(bootstraps.jaccard)} (Jaccard); "
        f"the cold search failed in {bootstraps.search_failures:z.0%}",
    )
    for window in validation.windows:
        table.add_row(
            f"agreement with a refit as of {window.as_of_date}",
            decimal(window.agreement),
            f"{window.customers:,} customers of that day",
        )
    return table


def _shares(validation: Validation) -> Table:
    """The share of every segment under the model as it is, today and on earlier days."""
    windows = [window for window in validation.windows if window.shares is not None]
    table = Table(
        "share of",
        "today",
        *(window.as_of_date for window in windows),
        title="the model as it is, applied to earlier days",
    )
    for index, key in enumerate(validation.segments):
        earlier = (percent(window.shares[index]) for window in windows if window.shares)
        table.add_row(key, percent(validation.shares[index]), *earlier)
    return table


def _pairs(validation: Validation) -> Table:
    table = Table("two segments", "overlap (Bhattacharyya)", "advice")
    for pair in validation.pairs[:PAIRS]:
        advice = "merge: read them as one" if pair.merge else "apart"
        table.add_row(f"{pair.first} and {pair.second}", decimal(pair.affinity), advice)
    return table


def _protected(shares: tuple[GroupShare, ...]) -> Iterator[Table | str]:
    groups = sorted({share.group for share in shares})
    table = Table(
        "",
        *(escape(group) for group in groups),
        title="share of a group, over its share of all customers",
    )
    overall = {share.group: share.overall_share for share in shares}
    table.add_row("all customers", *(percent(overall[group]) for group in groups))
    for place in dict.fromkeys((share.kind, share.name) for share in shares):
        cells = [share for share in shares if (share.kind, share.name) == place]
        table.add_row(
            " ".join(place),
            *(
                f"[red]{share.ratio:z.2f} !![/]" if share.flagged else f"{share.ratio:z.2f}"
                for share in cells
            ),
        )
    yield table
    yield "!!: outside 0.80 to 1.25 by more than chance"


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:z.2f}" for number in numbers)
