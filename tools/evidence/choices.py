"""Whether segments that predict best are those that a refit of an earlier day would draw: `make choices`.

Every candidate that repeats, on every feature set of every shop with order lines, is shown with both: what it predicts
of the window that a fit chooses on and of the window that nothing has seen, and its agreement with refits of three
earlier days. A fit looks at the former only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.evidence.forecasts import agreements
from tools.evidence.shops import Shop, shops
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.errors import UsageError
from warehouse_seg.evaluation.choice_window import ChoiceWindow
from warehouse_seg.evaluation.model_forecast import with_forecast
from warehouse_seg.events import silent
from warehouse_seg.mixture.candidates import EvaluatedCandidate, EvaluatedSet, evaluated_set
from warehouse_seg.mixture.fit import assembled
from warehouse_seg.mixture.predictive_selection import is_judged
from warehouse_seg.mixture.selection import is_stable
from warehouse_seg.model.forecast import SourceForecast
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.time_split import TimeSplit

INTRODUCTION = """# Prediction and agreement over time

Printed by `make choices`. All candidates of the default feature sets that repeat on bootstrap
samples, the best predicting one first. *Loss* is what a fit chooses by: lower is better, 1 is what the mean of all
predicts. *Ahead* is memberships against RFM quintiles in the window that nothing has seen. *Agreement* is the adjusted
Rand index with a refit of an earlier day. What follows from it stands in
docs/explanation/selection.md.
"""

COLUMNS = (
    "features",
    "segments",
    "stability",
    "search failures",
    "loss",
    "spend R² ahead",
    "buying AUC ahead",
    "T - w",
    "T - 2w",
    "T - 3w",
    "mean agreement",
)


@dataclass(frozen=True)
class Judged:
    """A candidate that repeats, with what it predicts and how far it agrees with earlier days.

    loss: in the window of the choice; agreements: with refits of earlier days, None where that is not known
    ahead: of RFM quintiles in the window that nothing has seen; None where it could not be measured
    """

    candidate: EvaluatedCandidate
    loss: float
    agreements: tuple[float | None, ...]
    ahead: SourceForecast | None

    @property
    def row(self) -> tuple[str, ...]:
        """One line of the table."""
        own = self.candidate.candidate
        known = [agreement for agreement in self.agreements if agreement is not None]
        return (
            own.feature_set,
            str(self.candidate.shape),
            f"{own.stability or 0:.2f}",
            f"{own.search_failures or 0:.2f}",
            f"{self.loss:.4f}",
            _signed(None if self.ahead is None else self.ahead.spend_r2_ahead),
            _signed(None if self.ahead is None else self.ahead.buying_auc_ahead),
            *("–" if agreement is None else f"{agreement:.2f}" for agreement in self.agreements),
            f"{np.mean(known):.2f}" if known else "–",
        )


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def judged(shop: Shop) -> Iterator[Judged]:
    """All candidates of a shop that repeat, set by set."""
    assert isinstance(shop.time_split, TimeSplit)
    criterion = ChoiceWindow(shop.time_split.first, shop.settings.seed)
    for feature_set in shop.sets:
        try:
            evaluated = evaluated_set(shop.sample, feature_set, shop.settings, silent)
        except UsageError:
            continue
        for candidate in evaluated.candidates:
            if candidate.optimum is None or not is_judged(candidate.candidate):
                continue
            figures = criterion.predicted(feature_set, candidate.shape)
            if not is_stable(candidate.candidate) or figures is None:
                continue
            model = with_forecast(
                _model(shop, evaluated, candidate), shop.time_split, shop.settings.seed
            )
            loss = float(figures.losses.mean())
            yield Judged(candidate, loss, tuple(agreements(shop, model)), _against_rfm(model))


def _model(shop: Shop, evaluated: EvaluatedSet, candidate: EvaluatedCandidate) -> SegmentModel:
    return assembled(
        shop.sample, evaluated.prepared, candidate, (candidate.candidate,), shop.settings.seed, ""
    )


def _against_rfm(model: SegmentModel) -> SourceForecast | None:
    forecast = model.training.forecast
    if forecast is None:
        return None
    return next(own for own in forecast.sources if own.source == "RFM quintiles")


def main() -> None:
    """Print the page."""
    show(INTRODUCTION)
    show(heading("All candidates that repeat", "Seed 1, default settings."))
    for shop in shops():
        if not shop.sets:
            continue
        candidates = sorted(judged(shop), key=lambda own: own.loss)
        tell(f"{shop.name}: {len(candidates)} candidates")
        show(f"### {shop.name}\n")
        show(table(COLUMNS, (own.row for own in candidates)))


if __name__ == "__main__":
    main()
