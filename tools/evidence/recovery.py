"""How often the planted number of segments is found: `python -m tools.evidence.recovery [--seeds 10]`.

Four types of customers, one-time buyers as a type of their own or by rounding, covariances of four kinds, 5,000 and
30,000 customers, searched over 2 to 7 segments and all covariance types with default settings. Then the same customers
with every column shuffled: there the warning has to come, and on the planted ones it must not.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
from sklearn.metrics import adjusted_rand_score

from tests.recovery.planted import FEATURES, SHARES, OneTimers, bayes_error, planted, shuffled
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.settings import FeatureChoice, settings_from

COUNTS = (5_000, 30_000)
SETTINGS = settings_from({"model": {"segments": {"min": 2, "max": len(SHARES) + 3}}}).model


NO_GROUPS = ("no_stable_segmentation", "no_structure")


@dataclass(frozen=True)
class Cell:
    """One kind of planted customers."""

    one_timers: OneTimers
    count: int
    kind: CovarianceType


@dataclass(frozen=True)
class Recovery:
    """What a fit said of one planted shop: segments, agreement with the truth, whether it warned."""

    segments: int
    agreement: float
    warned: bool


def cells() -> Iterator[Cell]:
    """All of them."""
    for one_timers in get_args(OneTimers):
        for count in COUNTS:
            for kind in get_args(CovarianceType):
                yield Cell(one_timers, count, kind)


def recovered(cell: Cell, seed: int, *, mixed_up: bool = False) -> Recovery:
    """Plant, fit, compare."""
    shop = planted(cell.count, cell.kind, cell.one_timers, seed)
    columns = shuffled(shop.columns, seed) if mixed_up else shop.columns
    model = fitted(columns)
    segments = model.log_joint(columns).argmax(axis=1)
    return Recovery(
        len(model.components),
        adjusted_rand_score(shop.types, segments),
        any(warning.kind in NO_GROUPS for warning in model.training.warnings),
    )


def fitted(columns: dict[str, np.ndarray]) -> SegmentModel:
    """The recommended model of these columns."""
    sample = Sample(columns, len(next(iter(columns.values()))))
    return fit_model(sample, [FeatureChoice(name=name) for name in FEATURES], SETTINGS)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.evidence.recovery", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="shops per cell (10: seeds 1 to 10)")
    seeds = range(1, parser.parse_args().seeds + 1)
    show(heading("Recovery of planted types", f"Seeds {seeds[0]} to {seeds[-1]}."))
    errors = ", ".join(f"{kind} {bayes_error(kind):.1%}" for kind in get_args(CovarianceType))
    show(f"Largest pairwise Bayes error of the planted types: {errors}.\n")
    rows = []
    for cell in cells():
        recoveries = [recovered(cell, seed) for seed in seeds]
        agreement = [recovery.agreement for recovery in recoveries]
        rows.append(
            (
                cell.one_timers,
                f"{cell.count:,}",
                cell.kind,
                f"{sum(recovery.segments == len(SHARES) for recovery in recoveries)}/{len(seeds)}",
                f"{np.mean(agreement):.3f}",
                f"{min(agreement):.3f}",
                f"{sum(recovery.warned for recovery in recoveries)}/{len(seeds)}",
            )
        )
        tell(rows[-1])
    columns = (
        "one-time buyers",
        "customers",
        "covariances",
        "right K",
        "mean ARI",
        "least ARI",
        "warned",
    )
    show(table(columns, rows))
    mixed_up = [
        recovered(cell, 1, mixed_up=True).warned for cell in cells() if cell.count == COUNTS[0]
    ]
    show(
        f"With every column shuffled, the warning came {sum(mixed_up)} of {len(mixed_up)} times.\n"
    )


if __name__ == "__main__":
    main()
