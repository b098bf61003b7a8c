"""What segments say of time that nothing has seen, on shops with order lines: `python -m tools.evidence.forecasts`.

Each shop is fitted with default settings as `warehouse-seg fit` does it: screened, chosen on the first of two windows,
measured on the second. Then the same with every amount multiplied, which must change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from tools.evidence.shops import Shop, fitted, shops
from tools.evidence.tables import heading, recommended, show, table, tell
from warehouse_seg.errors import UsageError
from warehouse_seg.evaluation.model_forecast import with_forecast
from warehouse_seg.evaluation.windows import window_agreement
from warehouse_seg.features.preparation import prepare_as
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.model.forecast import ModelForecast, SourceForecast
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.time_split import FollowedCustomers, TimeSplit
from warehouse_seg.warehouse.connection import Columns

FACTORS = (0.01, 30.0, 15_000.0)

COLUMNS = (
    "shop",
    "segments",
    "features",
    "stability",
    "smallest eigenvalue",
    "spend R²",
    "RFM quintiles",
    "ahead",
    "buying AUC",
    "RFM quintiles",
    "ahead",
)


@dataclass(frozen=True)
class Forecasted:
    """A shop with the model that was chosen for it, and what that says of unseen time."""

    shop: Shop
    model: SegmentModel
    forecast: ModelForecast


def forecasted(shop: Shop) -> Forecasted:
    """Fit as `warehouse-seg fit` does."""
    assert isinstance(shop.time_split, TimeSplit)
    model = with_forecast(fitted(shop), shop.time_split, shop.settings.seed)
    assert model.training.forecast is not None
    return Forecasted(shop, model, model.training.forecast)


def row(result: Forecasted) -> tuple[str, ...]:
    """One line of the table; what is ahead with one standard error."""
    sources = {source.source: source for source in result.forecast.sources}
    own, rfm = sources["memberships"], sources["RFM quintiles"]
    chosen = next(c for c in result.model.candidates if c.status == "chosen")
    return (
        result.shop.name,
        f"{chosen.n_components} {chosen.covariance_type}",
        chosen.feature_set,
        f"{chosen.stability or 0:.2f}",
        f"{chosen.smallest_eigenvalue or 0:.4f}",
        f"{own.spend_r2 or 0:.3f}",
        f"{rfm.spend_r2 or 0:.3f}",
        f"{rfm.spend_r2_ahead or 0:+.3f} ± {rfm.spend_r2_error or 0:.3f}",
        f"{own.buying_auc or 0:.3f}",
        f"{rfm.buying_auc or 0:.3f}",
        f"{rfm.buying_auc_ahead or 0:+.3f} ± {rfm.buying_auc_error or 0:.3f}",
    )


def source_row(result: Forecasted, source: SourceForecast) -> tuple[str, ...]:
    """One source of one shop."""
    figures = (source.spend_r2, source.buying_auc, source.buying_log_loss)
    return (result.shop.name, source.source, *(f"{figure or 0:.3f}" for figure in figures))


def agreements(shop: Shop, model: SegmentModel) -> Iterator[float | None]:
    """The agreement with a refit to each earlier day, as `validate` measures it."""
    shape = Shape(len(model.components), model.covariance_type)
    with threadpool_limits(1):
        for columns in shop.earlier.values():
            try:
                statistics = em.statistics_of(prepare_as(columns, model.features))
            except UsageError:
                yield None
                continue
            yield window_agreement(statistics, parameters_of(model), shape, shop.settings.seed)


def agreement_row(result: Forecasted) -> tuple[str, ...]:
    """One line of the table."""
    days = list(agreements(result.shop, result.model))
    known = [day for day in days if day is not None]
    chosen = next(c for c in result.model.candidates if c.status == "chosen")
    return (
        result.shop.name,
        *(f"{day:.2f}" if day is not None else "–" for day in days),
        f"{np.mean(known):.2f}" if known else "–",
        f"{chosen.stability or 0:.2f}",
    )


def converted(shop: Shop, factor: float) -> Shop:
    """The shop in another currency: every amount multiplied."""
    assert isinstance(shop.time_split, TimeSplit)
    first, second = (
        FollowedCustomers(each.as_of_date, each.window_days, _converted(each.columns, factor))
        for each in (shop.time_split.first, shop.time_split.second)
    )
    sample = replace(shop.sample, columns=_converted(shop.sample.columns, factor))
    return replace(shop, sample=sample, time_split=TimeSplit(first, second))


def _converted(columns: Columns, factor: float) -> Columns:
    money = ("net_spend", "average_order_value", "next_net_spend")
    return {
        name: values * factor if name in money or name.startswith("spend_") else values
        for name, values in columns.items()
    }


def unit_row(result: Forecasted, factor: float) -> tuple[str, ...]:
    """The shop in another currency: whether segments and names are the same."""
    other = converted(result.shop, factor)
    model = forecasted(other).model
    segments = (
        each.log_joint(shop.sample.columns).argmax(axis=1)
        for each, shop in ((result.model, result.shop), (model, other))
    )
    names = [[c.segment_name for c in each.components] for each in (result.model, model)]
    return (
        result.shop.name,
        f"{factor:g}",
        f"{adjusted_rand_score(*segments):.4f}",
        "the same" if names[0] == names[1] else f"{names[0]} and {names[1]}",
    )


def main() -> None:
    """Print the tables."""
    show(heading("What segments say of time that nothing has seen", "Seed 1, default settings."))
    results = []
    for shop in shops():
        if not shop.sets:
            continue
        results.append(forecasted(shop))
        tell(row(results[-1]))
    show(table(COLUMNS, map(row, results)))
    show(
        table(
            ("shop", "predicted from", "spend R²", "buying AUC", "log loss"),
            (
                source_row(result, source)
                for result in results
                for source in result.forecast.sources
            ),
        )
    )
    for result in results:
        show(f"**{result.shop.name}.** {recommended(result.model)}.\n")
    show("### Agreement with refits to earlier days\n")
    show(
        table(
            ("shop", "T - w", "T - 2w", "T - 3w", "mean", "bootstrap samples of today"),
            map(agreement_row, results),
        )
    )
    show("### Every amount multiplied\n")
    rows = (unit_row(result, factor) for result in results for factor in FACTORS)
    show(table(("shop", "factor", "adjusted Rand index", "names"), rows))


if __name__ == "__main__":
    main()
