"""Why rounding and point masses are part of the likelihood: `python -m tools.evidence.treatments`.

The same customers and default features, 2 to 8 segments with full covariances, three ways: every value taken as exact,
as rounded to its unit, and with point masses as wide as their surroundings say besides. The search takes the highest
likelihood here, collapsed or not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tools.evidence.shops import Shop, shops
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.features.preparation import prepare
from warehouse_seg.features.rounding import rounding_variance
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import parameter_count
from warehouse_seg.mixture.search import MIN_EIGENVALUE, search

Array = NDArray[np.float64]

COUNTS = range(2, 9)
SEED = 1
COLUMNS = ("shop", "exact values", "rounded to the unit", "and point masses")


def row(shop: Shop) -> tuple[str, ...]:
    """One line of the table."""
    prepared = prepare(shop.sample.columns, shop.choices, named=False)
    rounded = [rounding_variance(f, shop.sample.columns[f.feature]) for f in prepared.features]
    treatments = (np.zeros_like(prepared.z), np.column_stack(rounded), prepared.rounding_variance)
    return shop.name, *(verdict(prepared.z, rounding_variance) for rounding_variance in treatments)


def verdict(z: Array, rounding_variance: Array) -> str:
    """BIC's choice, how many of the models collapsed, and the smallest eigenvalue of all."""
    models = list(_searched(z, rounding_variance))
    collapsed = sum(eigenvalue < MIN_EIGENVALUE for _, _, eigenvalue in models)
    best = min(models)[1]
    smallest = min(eigenvalue for *_, eigenvalue in models)
    return f"BIC takes {best}; {collapsed} of {len(models)} collapsed (eigenvalue {smallest:.0e})"


def _searched(z: Array, rounding_variance: Array) -> Iterator[tuple[float, int, float]]:
    """BIC, number of segments and smallest eigenvalue of every model."""
    statistics = em.sufficient_statistics(z, rounding_variance)
    smaller = None
    for count in COUNTS:
        best = search(
            statistics, Shape(count, "full"), SEED, smaller=smaller, min_eigenvalue=0.0
        ).best
        smaller = best.parameters
        free = parameter_count(count, z.shape[1], "full")
        bic = -2 * best.objective + free * float(np.log(len(z)))
        yield bic, count, best.parameters.smallest_eigenvalue


def main() -> None:
    """Print the table."""
    show(heading("Rounding and point masses", f"Seed {SEED}."))
    rows = []
    with threadpool_limits(1):
        for shop in shops():
            rows.append(row(shop))
            tell(rows[-1])
    show(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
