"""Why rounding and atoms are part of the likelihood: `python -m tools.evidence.treatments`.

The same customers and default features, 2 to 8 segments with full covariances, three ways: every value taken as exact,
as rounded to its unit, and with atoms as wide as their surroundings say besides. The search takes the highest
likelihood here, collapsed or not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tools.evidence.shops import Shop, shops
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.features.preparation import prepare, rounding_variance
from warehouse_seg.mixture import em
from warehouse_seg.mixture.search import COLLAPSED, Shape, search

Array = NDArray[np.float64]

COUNTS = range(2, 9)
SEED = 1
COLUMNS = ("shop", "exact values", "rounded to the unit", "and atoms")


def row(shop: Shop) -> tuple[str, ...]:
    """One line of the table."""
    prepared = prepare(shop.sample.columns, shop.choices, named=False)
    rounded = [rounding_variance(f, shop.sample.columns[f.feature]) for f in prepared.features]
    treatments = (np.zeros_like(prepared.z), np.column_stack(rounded), prepared.psi)
    return shop.name, *(verdict(prepared.z, psi) for psi in treatments)


def verdict(z: Array, psi: Array) -> str:
    """BIC's choice, how many of the models collapsed, and the smallest eigenvalue of all."""
    found = list(_searched(z, psi))
    collapsed = sum(eigenvalue < COLLAPSED for _, _, eigenvalue in found)
    best = min(found)[1]
    smallest = min(eigenvalue for *_, eigenvalue in found)
    return f"BIC takes {best}; {collapsed} of {len(found)} collapsed (eigenvalue {smallest:.0e})"


def _searched(z: Array, psi: Array) -> Iterator[tuple[float, int, float]]:
    """BIC, number of segments and smallest eigenvalue of every model."""
    moments = em.moments_of(z, psi)
    smaller = None
    for count in COUNTS:
        best = search(moments, Shape(count, "full"), SEED, smaller=smaller, floor=0.0).best
        smaller = best.parameters
        free = em.parameter_count(count, z.shape[1], "full")
        bic = -2 * best.objective + free * float(np.log(len(z)))
        yield bic, count, best.parameters.smallest_eigenvalue


def main() -> None:
    """Print the table."""
    show(heading("Rounding and atoms", f"Seed {SEED}."))
    rows = []
    with threadpool_limits(1):
        for shop in shops():
            rows.append(row(shop))
            tell(rows[-1])
    show(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
