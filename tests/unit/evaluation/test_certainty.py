"""Memberships that are too certain to be people."""

from __future__ import annotations

import numpy as np

from warehouse_seg.evaluation.certainty import certainty
from warehouse_seg.features.preparation import Prepared, prepare
from warehouse_seg.settings import FeatureChoice

COUNT = 1_000


def prepared(**columns: np.ndarray) -> Prepared:
    return prepare(columns, [FeatureChoice(name=name) for name in columns])


def certain(labels: np.ndarray, top: float) -> np.ndarray:
    return np.where(labels == np.arange(2)[:, None], top, 1 - top)


def test_blends_are_not_suspicious() -> None:
    random = np.random.default_rng(1)
    found = certainty(
        prepared(visits=random.lognormal(0, 1, COUNT)),
        certain(random.integers(2, size=COUNT), 0.9),
        None,
    )
    assert not found.suspicion
    assert found.pattern == ()


def test_segments_of_who_never_bought_what_are_named() -> None:
    random = np.random.default_rng(1)
    never = random.random(COUNT) < 0.4
    spend = np.where(never, 0.0, random.lognormal(3, 1, COUNT))
    columns = prepared(spend_wine=spend, visits=random.lognormal(0, 1, COUNT))
    found = certainty(columns, certain(never.astype(int), 0.999), None)
    assert found.pattern == ("spend_wine",)
    assert (found.follows or 0) > 0.99
    assert "follows from which of spend_wine have the value that most share" in found.suspicion


def test_certain_segments_without_a_pattern_are_suspicious_without_a_reason() -> None:
    random = np.random.default_rng(1)
    groups = random.integers(2, size=COUNT)
    columns = prepared(visits=random.lognormal(5 * groups, 0.1))
    found = certainty(columns, certain(groups, 0.9999), None)
    assert found.pattern == ()
    assert found.suspicion.startswith("nearly every customer is certain (mean membership 1.000)")


def test_weights_count() -> None:
    random = np.random.default_rng(1)
    memberships = certain(np.zeros(COUNT, int), 1.0)
    memberships[:, :500] = 0.5
    columns = prepared(visits=random.lognormal(0, 1, COUNT))
    assert certainty(columns, memberships, None).mean_top_membership == 0.75
    weights = np.where(np.arange(COUNT) < 500, 0.0, 2.0)
    assert certainty(columns, memberships, weights).mean_top_membership == 1
