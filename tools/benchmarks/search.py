"""The search for optima against the plain loop over scikit-learn: `make bench-search`.

The plain loop is what a notebook does: `GaussianMixture(K, covariance_type, n_init=10)` for every K and covariance
type, in one process. Both get the same customers, features, transforms and scales, CDNOW's and 50,000 of the demo's.
scikit-learn knows no rounding of measurements, so here every value is moved by a random part of it, once, for both:
without that its components would collapse onto the customers who bought once, and nothing could be compared.

Beside the two, a long search: four times the starts, twice the iterations, ten optima refined. The gap to it is in
nats per customer.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from tests.real_data.project import data_folder
from tools.evidence.shops import Shop, built, demo, real
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.features.preparation import prepare
from warehouse_seg.mixture import em
from warehouse_seg.mixture.candidates import workers
from warehouse_seg.mixture.initialization import FULL, SearchBudget, Shape
from warehouse_seg.mixture.search import REGULARIZATION, search
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]
Kinds = Sequence[CovarianceType]

COUNTS = range(2, 11)
LONG = replace(FULL, partitions=4 * FULL.partitions, refined=10, iterations=100, tolerance=1e-7)
TIMES_FASTER = 5.0
AS_GOOD = 1e-4
SEED = 1


@dataclass(frozen=True)
class Searched:
    """Seconds for all shapes, and the objective reached for each."""

    seconds: float
    objectives: dict[Shape, float]


def customers(shop: Shop) -> Array:
    """Standardised features (n, D), every value moved within its rounding."""
    prepared = prepare(shop.sample.columns, shop.choices, named=False)
    generator = np.random.default_rng(SEED)
    return prepared.z + generator.normal(size=prepared.z.shape) * np.sqrt(
        prepared.rounding_variance
    )


def plain_loop(z: Array, kinds: Kinds) -> Searched:
    """What a notebook does."""
    objectives = {}
    start = time.perf_counter()
    for kind in kinds:
        for count in COUNTS:
            mixture = GaussianMixture(count, covariance_type=kind, n_init=10, random_state=SEED)
            objectives[Shape(count, kind)] = float(mixture.fit(z).score(z)) * len(z)
    return Searched(time.perf_counter() - start, objectives)


def own_search(z: Array, kinds: Kinds, budget: SearchBudget = FULL) -> Searched:
    """As `fit` does it: covariance types side by side, each number of segments from the one before."""
    statistics = em.sufficient_statistics(z)

    def chain(kind: CovarianceType) -> dict[Shape, float]:
        results, smaller = {}, None
        for count in COUNTS:
            shape = Shape(count, kind)
            best = search(statistics, shape, SEED, smaller=smaller, budget=budget).best
            results[shape], smaller = best.objective, best.parameters
        return results

    start = time.perf_counter()
    with workers() as pool:
        chains = list(pool.map(chain, kinds))
    objectives = {shape: value for results in chains for shape, value in results.items()}
    return Searched(time.perf_counter() - start, objectives)


def rows(
    customers: int, kinds: Kinds, plain: Searched, own: Searched, long: Searched
) -> Iterator[tuple[object, ...]]:
    """Per number of segments: the worst over the covariance types."""
    for count in COUNTS:
        shapes = [Shape(count, kind) for kind in kinds]
        gaps = [(long.objectives[s] - own.objectives[s]) / customers for s in shapes]
        against = [
            (own.objectives[s] - plain.objectives[s]) / abs(plain.objectives[s]) for s in shapes
        ]
        yield (
            count,
            f"{min(against):+.1e}",
            f"{max(against):+.1e}",
            f"{max(gaps):+.4f}",
            "yes" if min(against) >= -AS_GOOD else "NO",
        )


def benchmark(shop: Shop, kinds: Kinds) -> bool:
    """Print one shop's table; whether both promises are kept."""
    z = customers(shop)
    tell(f"{shop.name}: own search")
    own = own_search(z, kinds)
    tell(f"{shop.name}: the plain loop")
    plain = plain_loop(z, kinds)
    tell(f"{shop.name}: a long search")
    long = own_search(z, kinds, LONG)
    show(
        f"**{shop.name}**, {len(z):,} customers × {z.shape[1]} features: own search {own.seconds:.1f} s, plain loop "
        f"{plain.seconds:.1f} s, {plain.seconds / own.seconds:.1f} times as long; long search {long.seconds:.1f} s.\n"
    )
    results = list(rows(len(z), kinds, plain, own, long))
    names = (
        "K",
        "objective against the loop, worst type",
        "best type",
        "gap to the long search",
        "as good",
    )
    show(table(names, results))
    as_good = all(row[-1] == "yes" for row in results)
    return as_good and plain.seconds >= TIMES_FASTER * own.seconds


def main() -> int:
    """Print both tables; 0 when every promise is kept, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.benchmarks.search", description=__doc__)
    parser.add_argument("--demo-customers", type=int, default=50_000, help="of the demo (50,000)")
    parser.add_argument(
        "--covariance",
        nargs="+",
        choices=get_args(CovarianceType),
        default=get_args(CovarianceType),
    )
    arguments = parser.parse_args()
    show(
        heading(
            "The search against the plain loop", f"Seed {SEED}, regularisation {REGULARIZATION}."
        )
    )
    places = (
        ("CDNOW", partial(real, "cdnow", data_folder() / "cdnow")),
        ("Demo", demo),
    )
    kept = [
        benchmark(built(name, place, sample_size=arguments.demo_customers), arguments.covariance)
        for name, place in places
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
