"""A small part of `make evidence`: planted types are found, shuffled ones warned of, mclust's optima reached."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.recovery.planted import SHARES, OneTimers, bayes_error
from tests.recovery.planted_orders import SHARES as TYPES
from tools.evidence import defaults, optima, recovery_in_time, shops
from tools.evidence.recovery import Cell, recovered
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.selection import MIN_SEGMENT_STABILITY, MIN_STABILITY
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.settings import settings_from

CUSTOMERS = 2_500


@pytest.mark.parametrize(("one_timers", "kind"), [("own type", "full"), ("by rounding", "diag")])
def test_the_planted_number_of_segments_is_found(
    one_timers: OneTimers, kind: CovarianceType
) -> None:
    recovery = recovered(Cell(one_timers, CUSTOMERS, kind), seed=1)
    assert recovery.segments == len(SHARES)
    assert recovery.agreement >= 0.9
    assert not recovery.warned


def test_the_planted_number_is_found_by_what_segments_predict() -> None:
    segments, agreement = recovery_in_time.recovered(seed=1)
    assert segments == len(TYPES)
    assert agreement >= 0.98


def test_shuffled_columns_are_warned_of() -> None:
    assert recovered(Cell("by rounding", CUSTOMERS, "full"), seed=1, mixed_up=True).warned


def test_the_planted_types_can_be_told_apart() -> None:
    """Otherwise nobody could be blamed for not finding them."""
    assert bayes_error("full", draws=20_000) <= 0.02


def test_the_search_reaches_mclusts_optima(data_folder: Path) -> None:
    folder = data_folder / "gmm_reference"
    small = {"iris", "faithful", "euro_unemployment"}
    results = list(optima.reached(folder, small))
    assert len(results) > 25
    assert [candidate.reference for candidate in results if not candidate.counts] == []


def test_a_real_shop_with_default_settings(data_folder: Path) -> None:
    """CDNOW, where the ordinary recipe collapses on the customers who bought once; few segments, to save time."""
    shop = shops.built("CDNOW", partial(shops.real, "cdnow", data_folder / "cdnow"))
    settings = settings_from({"model": {"segments": {"max": 5}}}).model
    model = fit_model(shop.sample, shop.choices, settings)
    chosen = next(candidate for candidate in model.candidates if candidate.status == "chosen")
    assert (chosen.stability or 0) >= MIN_STABILITY
    assert (chosen.smallest_jaccard or 0) >= MIN_SEGMENT_STABILITY
    assert (chosen.smallest_eigenvalue or 0) > 1e-3
    assert any("have 11.77" in finding for finding in model.training.findings)
    assert "bound_of_segments" in {warning.kind for warning in model.training.warnings}
    assert len(defaults.row(shop, model)) == len(defaults.COLUMNS)
