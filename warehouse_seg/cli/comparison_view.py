"""How the result of `compare` is laid out for a person: one row per method, then the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from warehouse_seg.cli.numbers import NOTHING, decimal, percent, rounded
from warehouse_seg.project.time_split import Unavailable

if TYPE_CHECKING:
    from warehouse_seg.commands.compare import ComparisonReport
    from warehouse_seg.evaluation.comparison import MethodResult
    from warehouse_seg.evaluation.prediction import Difference, Prediction
    from warehouse_seg.evaluation.predictive_power import PredictivePower

COLUMNS = (
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


def comparison_tables(report: ComparisonReport) -> Iterator[Table | str]:
    """One row per method, a second one for the mixture's memberships, what memberships have to beat, the verdict."""
    comparison = report.comparison
    table = Table(*COLUMNS)
    for method in comparison.methods:
        table.add_row(*_method_row(method))
        if method.from_memberships is not None:
            blank = [""] * (len(COLUMNS) - 4)
            table.add_row(
                "– from memberships", *blank, *prediction_cells(method.from_memberships), ""
            )
    yield table
    yield (
        f"{report.customers:,} customers; stability: adjusted Rand index over bootstrap samples; agreement: the "
        "same index with the mixture"
    )
    window = comparison.time_split
    if not isinstance(window, Unavailable):
        yield (
            f"R² of ln(1 + spend / median order value) and AUC of buying at all in the {window.window_days} days after "
            f"{window.as_of_date}"
        )
    yield from predictive_power_tables(window)
    yield f"[bold]verdict:[/] {escape(report.verdict)}"


def predictive_power_tables(power: PredictivePower | Unavailable) -> Iterator[Table | str]:
    """What memberships and the sources that they have to beat say of the time after an earlier day."""
    if isinstance(power, Unavailable):
        yield f"no time split: {escape(power.reason)}"
        return
    yield (
        f"what {power.customers:,} customers of {power.as_of_date} did in the {power.window_days} days after it; "
        f"{power.bought:z.0%} bought. Fitted as of {power.fitted_as_of_date} and frozen: nothing has seen those days"
    )
    table = Table(
        "predicted from",
        "spend R²",
        "buying AUC",
        "log loss",
        "memberships ahead, R²",
        "AUC",
        "on spend",
        "on buying",
    )
    for prediction in power.predictions:
        table.add_row(
            prediction.source,
            *prediction_cells(prediction),
            decimal(prediction.buying_log_loss, 3),
            _difference(prediction.spend_r2_ahead),
            _difference(prediction.buying_auc_ahead),
            prediction.spend_comparison or NOTHING,
            prediction.buying_comparison or NOTHING,
        )
    yield table


def _difference(difference: Difference | None) -> str:
    """As in `+0.024 ± 0.008`, one standard error."""
    if difference is None:
        return NOTHING
    return f"{difference.value:+z.3f} ± {difference.standard_error:z.3f}"


def prediction_cells(prediction: Prediction | None) -> tuple[str, str]:
    """R² of spend and AUC of buying, dashes where there is no prediction."""
    if prediction is None:
        return NOTHING, NOTHING
    return decimal(prediction.spend_r2, 3), decimal(prediction.buying_auc, 3)


def _method_row(method: MethodResult) -> tuple[str, ...]:
    return (
        method.method,
        str(method.segments),
        percent(method.unassigned),
        decimal(method.silhouette),
        decimal(method.davies_bouldin),
        rounded(method.calinski_harabasz),
        decimal(method.stability),
        decimal(method.agreement),
        *prediction_cells(method.from_labels),
        {None: "", True: "yes", False: "no"}[method.as_good_as_mixture],
    )
