"""How many customers keep their segment when a model is refitted: `python -m tools.evidence.refits [--refits 10]`.

Every shop is fitted with default settings, then refitted on bootstrap samples of its customers, each time from the
first model, as `warehouse-seg fit` would. All customers are scored under both; the keys follow them as they do there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from tools.evidence.shops import Shop, fitted, shops
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.errors import Refused
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.refit import refit_model
from warehouse_seg.mixture.stability import contingency
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.matching import match_segments

Array = NDArray[np.float64]

DOMINANT = 0.8
COLUMNS = (
    "shop",
    "customers",
    "segments",
    "mean top membership",
    "keep their segment: mean",
    "least",
    f"of those with membership ≥ {DOMINANT}: mean",
    "least",
    "refused",
    "better cold search",
)


@dataclass(frozen=True)
class Kept:
    """Share of the customers that kept their segment in one refit: of all, and of those who surely had it."""

    of_all: float
    of_dominant: float
    cold_was_better: bool


def kept(shop: Shop, model: SegmentModel, seed: int) -> Kept | None:
    """Refit on one bootstrap sample and compare all customers; None where the refit was refused."""
    columns = shop.sample.columns
    count = shop.sample.rows
    rows = np.random.default_rng(seed).integers(count, size=count)
    drawn = {name: values[rows] for name, values in columns.items()}
    sample = Sample(drawn, count, shop.sample.as_of_date, shop.sample.categories)
    try:
        refit = refit_model(model, sample, shop.settings)
    except Refused as refusal:
        show(f"{shop.name}, bootstrap {seed}: {refusal}")
        return None
    joint = model.log_joint(columns)
    segments = joint.argmax(axis=1), refit.log_joint(columns).argmax(axis=1)
    overlap = contingency(*segments, len(model.components))
    named = match_segments(model, refit, overlap).model
    keys = [np.array([c.segment_key for c in m.components]) for m in (model, named)]
    same = keys[0][segments[0]] == keys[1][segments[1]]
    dominant = softmax(joint, axis=1).max(axis=1) >= DOMINANT
    return Kept(
        float(same.mean()), float(same[dominant].mean()), "cold" in refit.training.recommendation
    )


def row(shop: Shop, refits: int) -> tuple[str, ...]:
    """A shop's line of the table."""
    model = fitted(shop)
    top = softmax(model.log_joint(shop.sample.columns), axis=1).max(axis=1)
    outcomes = [kept(shop, model, seed) for seed in range(1, refits + 1)]
    reached = [outcome for outcome in outcomes if outcome is not None]
    shares: tuple[str, ...] = ("–",) * 4
    if reached:
        of_all = [outcome.of_all for outcome in reached]
        of_dominant = [outcome.of_dominant for outcome in reached]
        figures = (np.mean(of_all), min(of_all), np.mean(of_dominant), min(of_dominant))
        shares = tuple(f"{figure:.1%}" for figure in figures)
    return (
        shop.name,
        f"{len(top):,}",
        f"{len(model.components)} {model.covariance_type}",
        f"{top.mean():.3f}",
        *shares,
        f"{len(outcomes) - len(reached)}/{refits}",
        f"{sum(outcome.cold_was_better for outcome in reached)}/{refits}",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.evidence.refits", description=__doc__)
    parser.add_argument("--refits", type=int, default=10, help="bootstrap samples per shop")
    refits = parser.parse_args().refits
    show(
        heading(
            "Customers that keep their segment in a refit",
            f"{refits} bootstrap samples of each shop's sample, seeds 1 to {refits}.",
        )
    )
    rows = []
    for shop in shops():
        rows.append(row(shop, refits))
        tell(rows[-1])
    show(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
