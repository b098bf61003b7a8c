"""Groups repeat on bootstrap samples, slices of one cloud do not; shuffled columns have no structure."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import jaccard_score

from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.search import search
from warehouse_seg.mixture.stability import (
    bootstrap_stability,
    contingency,
    structure_gain,
    top_components,
)

Array = NDArray[np.float64]

CUSTOMERS = 1_500
CENTRES = np.array([[0.0, 0.0], [6.0, 1.0], [0.0, -7.0]])


def groups(seed: int = 1) -> Array:
    generator = np.random.default_rng(seed)
    kinds = generator.integers(3, size=CUSTOMERS)
    return np.asarray(CENTRES[kinds] + generator.normal(size=(CUSTOMERS, 2)))


def cloud(seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=(CUSTOMERS, 2))


def optimum(z: Array, shape: Shape) -> Parameters:
    return search(em.sufficient_statistics(z), shape, seed=1).best.parameters


def test_groups_repeat() -> None:
    z, shape = groups(), Shape(3, "full")
    stability = bootstrap_stability(
        em.sufficient_statistics(z), optimum(z, shape), shape, seed=1, bootstraps=3
    )
    assert stability.agreement > 0.99
    assert min(stability.jaccard) > 0.98
    assert len(stability.jaccard) == 3


def test_slices_of_one_cloud_do_not() -> None:
    z, shape = cloud(), Shape(5, "full")
    stability = bootstrap_stability(
        em.sufficient_statistics(z), optimum(z, shape), shape, seed=1, bootstraps=3
    )
    assert stability.agreement < 0.6
    assert min(stability.jaccard) < 0.75


def test_the_same_seed_gives_the_same_figures() -> None:
    z, shape = cloud(), Shape(3, "diag")
    parameters = optimum(z, shape)
    first, second = (
        bootstrap_stability(em.sufficient_statistics(z), parameters, shape, seed=4, bootstraps=2)
        for _ in range(2)
    )
    assert first == second


def test_groups_are_more_than_their_features_one_by_one() -> None:
    z, shape = groups(), Shape(3, "full")
    assert structure_gain(z, np.zeros_like(z), optimum(z, shape), shape, seed=1) > 0.2


def test_shuffled_columns_are_not() -> None:
    generator = np.random.default_rng(5)
    z = np.column_stack([generator.permutation(column) for column in groups().T])
    shape = Shape(6, "full")
    assert abs(structure_gain(z, np.zeros_like(z), optimum(z, shape), shape, seed=1)) < 0.02


def test_correlation_alone_is_no_structure() -> None:
    """One Gaussian says it all."""
    z = cloud() @ np.array([[1.0, 0.9], [0.0, 0.4]])
    shape = Shape(2, "full")
    assert structure_gain(z, np.zeros_like(z), optimum(z, shape), shape, seed=1) < 0.02


def test_structure_is_that_of_the_customers_whom_rows_stand_for() -> None:
    """Rows with groups and rows without, of which the weights count one kind only."""
    generator = np.random.default_rng(6)
    grouped = groups()
    shuffled = np.column_stack([generator.permutation(column) for column in grouped.T])
    z = np.vstack([grouped, shuffled])
    order = generator.permutation(len(z))
    is_grouped = (np.arange(len(z)) < len(grouped))[order]
    z, shape = z[order], Shape(3, "full")
    start = optimum(grouped, shape)
    gains = [
        structure_gain(z, np.zeros_like(z), start, shape, 1, np.where(counted, 1.0, 1e-6))
        for counted in (is_grouped, ~is_grouped)
    ]
    assert gains[0] > 0.2
    assert gains[1] < 0.02


def test_the_overlap_of_segments_is_jaccards() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.integers(3, size=(2, 200))
    table = contingency(first, second, 3)
    either = table.sum(axis=1)[:, None] + table.sum(axis=0) - table
    for k in range(3):
        assert table[k, k] / either[k, k] == pytest.approx(jaccard_score(first == k, second == k))


def test_the_top_component_is_the_nearest_group() -> None:
    parameters = Parameters(np.full(3, 1 / 3), CENTRES, np.repeat(np.eye(2)[None], 3, axis=0))
    assert top_components(em.sufficient_statistics(CENTRES), parameters).tolist() == [0, 1, 2]
