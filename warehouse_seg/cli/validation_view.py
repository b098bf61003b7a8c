"""How the results of `validate` and `compare` are laid out for a person: tables and sentences for rich to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from warehouse_seg.commands.compare import Comparison
    from warehouse_seg.evaluation.comparison import Compared
    from warehouse_seg.evaluation.predictive_power import Prediction
    from warehouse_seg.evaluation.validation import GroupShare, Validation

PAIRS = 6
"""So many of the nearest pairs of segments are listed; the others are farther apart."""

NOTHING = "–"


def validation_tables(found: Validation) -> Iterator[Table | str]:
    """Every figure with what it is to be read against, then the verdict."""
    yield _figures(found)
    yield _pairs(found)
    yield from _time_split(found)
    if found.reference is not None:
        reference = found.reference
        yield (
            f"agreement with {escape(reference.reference)} ({reference.groups} groups, {reference.customers:,} "
            f"customers): adjusted Rand index {reference.adjusted_rand:.2f}, "
            f"normalised mutual information {reference.normalized_mutual_information:.2f}"
        )
    if found.protected:
        yield from _protected(found.protected)
    yield f"[bold]verdict:[/] {escape(found.verdict)}"


def comparison_tables(found: Comparison) -> Iterator[Table | str]:
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
    for one in found.methods:
        table.add_row(*_method(one))
        if one.by_membership is not None:
            blank = [""] * (len(table.columns) - 4)
            table.add_row("– by memberships", *blank, *_prediction(one.by_membership), "")
    yield table
    yield (
        f"{found.customers:,} customers; stability: adjusted Rand index over bootstrap samples; agreement: the same "
        "index with the mixture"
    )
    if found.window_days is None:
        yield f"no time split: {escape(found.without_time_split)}"
    else:
        yield f"R² of ln(1 + spend) and AUC of buying at all in the {found.window_days} days after an earlier day"
    yield f"[bold]verdict:[/] {escape(found.verdict)}"


def _figures(found: Validation) -> Table:
    likelihood, starts, bootstraps = found.likelihood, found.starts, found.bootstraps
    table = Table("what was asked", "found", "to be read against")
    table.add_row(
        "log likelihood per customer, held out",
        _number(likelihood.held_out, 3),
        f"{likelihood.training:.3f} of the customers fitted on, "
        f"{_number(likelihood.single_gaussian, 3)} of one Gaussian",
    )
    table.add_row(
        f"agreement with {starts.sound} of {starts.searches} searches from other starts",
        _number(starts.agreement),
        "all of them collapsed"
        if starts.gain is None
        else f"1 is the same segments; the best search ended {starts.gain:+.3f} nats per customer from the model",
    )
    table.add_row(
        "agreement with refits on bootstrap samples",
        _number(bootstraps.agreement),
        f"segments repeat by {_listed(bootstraps.jaccard)} (Jaccard); "
        f"the cold search failed in {bootstraps.search_failures:.0%}",
    )
    for window in found.windows:
        table.add_row(
            f"agreement with a refit as of {window.as_of_date}",
            _number(window.agreement),
            f"{window.customers:,} customers of that day",
        )
    return table


def _pairs(found: Validation) -> Table:
    table = Table("two segments", "overlap (Bhattacharyya)", "advice")
    for pair in found.pairs[:PAIRS]:
        advice = "merge: read them as one" if pair.merge else "apart"
        table.add_row(f"{pair.first} and {pair.second}", _number(pair.affinity), advice)
    return table


def _time_split(found: Validation) -> Iterator[Table | str]:
    split = found.time_split
    if split is None:
        yield f"no time split: {escape(found.without_time_split)}"
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
            _number(prediction.buying_log_loss, 3),
            prediction.spend or NOTHING,
            prediction.buying or NOTHING,
        )
    yield table


def _protected(shares: tuple[GroupShare, ...]) -> Iterator[Table | str]:
    groups = sorted({one.group for one in shares})
    table = Table(
        "",
        *(escape(group) for group in groups),
        title="share of a group, over its share of all customers",
    )
    overall = {one.group: one.overall_share for one in shares}
    table.add_row("all customers", *(f"{overall[group]:.1%}" for group in groups))
    for place in dict.fromkeys((one.kind, one.place) for one in shares):
        cells = [one for one in shares if (one.kind, one.place) == place]
        table.add_row(
            " ".join(place),
            *(
                f"[red]{one.ratio:.2f} !![/]" if one.flagged else f"{one.ratio:.2f}"
                for one in cells
            ),
        )
    yield table
    yield "!!: outside 0.80 to 1.25 by more than chance"


def _method(one: Compared) -> tuple[str, ...]:
    prediction = one.prediction
    return (
        one.method,
        str(one.segments),
        f"{one.unassigned:.1%}",
        _number(one.silhouette),
        _number(one.davies_bouldin),
        NOTHING if one.calinski_harabasz is None else f"{one.calinski_harabasz:,.0f}",
        _number(one.stability),
        _number(one.agreement),
        *((NOTHING, NOTHING) if prediction is None else _prediction(prediction)),
        {None: "", True: "yes", False: "no"}[one.as_good],
    )


def _prediction(prediction: Prediction) -> tuple[str, str]:
    return _number(prediction.spend_r2, 3), _number(prediction.buying_auc, 3)


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)


def _number(value: float | None, digits: int = 2) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"
