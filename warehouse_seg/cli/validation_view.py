"""How the results of `validate` and `compare` are laid out for a person: tables and sentences for rich to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from warehouse_seg.cli.numbers import NOTHING, decimal, percent, rounded

if TYPE_CHECKING:
    from warehouse_seg.commands.compare import Comparison
    from warehouse_seg.evaluation.comparison import Compared
    from warehouse_seg.evaluation.predictive_power import Prediction
    from warehouse_seg.evaluation.validation import GroupShare, Validation

PAIRS = 6
"""So many of the nearest pairs of segments are listed; the others are farther apart."""


def validation_tables(validation: Validation) -> Iterator[Table | str]:
    """Every figure with what it is to be read against, then the verdict."""
    yield _figures(validation)
    yield _pairs(validation)
    yield from _time_split(validation)
    if validation.reference is not None:
        reference = validation.reference
        yield (
            f"agreement with {escape(reference.reference)} ({reference.groups} groups, {reference.customers:,} "
            f"customers): adjusted Rand index {reference.adjusted_rand:.2f}, "
            f"normalised mutual information {reference.normalized_mutual_information:.2f}"
        )
    if validation.protected:
        yield from _protected(validation.protected)
    yield f"[bold]verdict:[/] {escape(validation.verdict)}"


def comparison_tables(comparison: Comparison) -> Iterator[Table | str]:
    """One row per method, then the verdict."""
    table = Table(
        "method",
        "segments",
        "unassigned",
        "silhouette",
        "Davies–Bouldin",
        "Calinski–Harabasz",
        "stability",
        "agreement",
        "spend R²",
        "buying AUC",
        "as good",
    )
    for method in comparison.methods:
        table.add_row(*_method_row(method))
        if method.by_membership is not None:
            blank = [""] * (len(table.columns) - 4)
            table.add_row("– by memberships", *blank, *_prediction(method.by_membership), "")
    yield table
    yield (
        f"{comparison.customers:,} customers; stability: adjusted Rand index over bootstrap samples; agreement: the "
        "same index with the mixture"
    )
    if comparison.window_days is None:
        yield f"no time split: {escape(comparison.without_time_split)}"
    else:
        yield f"R² of ln(1 + spend) and AUC of buying at all in the {comparison.window_days} days after an earlier day"
    yield f"[bold]verdict:[/] {escape(comparison.verdict)}"


def _figures(validation: Validation) -> Table:
    likelihood, starts, bootstraps = validation.likelihood, validation.starts, validation.bootstraps
    table = Table("what was asked", "found", "to be read against")
    table.add_row(
        "log likelihood per customer, held out",
        decimal(likelihood.held_out, 3),
        f"{likelihood.training:.3f} of the customers fitted on, "
        f"{decimal(likelihood.single_gaussian, 3)} of one Gaussian",
    )
    table.add_row(
        f"agreement with {starts.sound} of {starts.searches} searches from other starts",
        decimal(starts.agreement),
        "all of them collapsed"
        if starts.gain is None
        else f"1 is the same segments; the best search ended {starts.gain:+.3f} nats per customer from the model",
    )
    table.add_row(
        "agreement with refits on bootstrap samples",
        decimal(bootstraps.agreement),
        f"segments repeat by {_listed(bootstraps.jaccard)} (Jaccard); "
        f"the cold search failed in {bootstraps.search_failures:.0%}",
    )
    for window in validation.windows:
        table.add_row(
            f"agreement with a refit as of {window.as_of_date}",
            decimal(window.agreement),
            f"{window.customers:,} customers of that day",
        )
    return table


def _pairs(validation: Validation) -> Table:
    table = Table("two segments", "overlap (Bhattacharyya)", "advice")
    for pair in validation.pairs[:PAIRS]:
        advice = "merge: read them as one" if pair.merge else "apart"
        table.add_row(f"{pair.first} and {pair.second}", decimal(pair.affinity), advice)
    return table


def _time_split(validation: Validation) -> Iterator[Table | str]:
    split = validation.time_split
    if split is None:
        yield f"no time split: {escape(validation.without_time_split)}"
        return
    yield (
        f"what {split.customers:,} customers of {split.as_of_date} did in the {split.window_days} days after it; "
        f"{split.bought:.0%} bought"
    )
    table = Table(
        "described by", "spend R²", "buying AUC", "log loss", "memberships on spend", "on buying"
    )
    for prediction in split.predictions:
        table.add_row(
            prediction.by,
            *_prediction(prediction),
            decimal(prediction.buying_log_loss, 3),
            prediction.spend or NOTHING,
            prediction.buying or NOTHING,
        )
    yield table


def _protected(shares: tuple[GroupShare, ...]) -> Iterator[Table | str]:
    groups = sorted({share.group for share in shares})
    table = Table(
        "",
        *(escape(group) for group in groups),
        title="share of a group, over its share of all customers",
    )
    overall = {share.group: share.overall_share for share in shares}
    table.add_row("all customers", *(percent(overall[group]) for group in groups))
    for place in dict.fromkeys((share.kind, share.place) for share in shares):
        cells = [share for share in shares if (share.kind, share.place) == place]
        table.add_row(
            " ".join(place),
            *(
                f"[red]{share.ratio:.2f} !![/]" if share.flagged else f"{share.ratio:.2f}"
                for share in cells
            ),
        )
    yield table
    yield "!!: outside 0.80 to 1.25 by more than chance"


def _method_row(method: Compared) -> tuple[str, ...]:
    prediction = method.prediction
    return (
        method.method,
        str(method.segments),
        percent(method.unassigned),
        decimal(method.silhouette),
        decimal(method.davies_bouldin),
        rounded(method.calinski_harabasz),
        decimal(method.stability),
        decimal(method.agreement),
        *((NOTHING, NOTHING) if prediction is None else _prediction(prediction)),
        {None: "", True: "yes", False: "no"}[method.as_good],
    )


def _prediction(prediction: Prediction) -> tuple[str, str]:
    return decimal(prediction.spend_r2, 3), decimal(prediction.buying_auc, 3)


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)
