"""The search against R's mclust on its own example data: `python -m tools.evidence.optima`.

Raw units, exact values, regularisation 1e-6, not started from mclust's parameters. A fit counts where its BIC is at
most 0.05 above mclust's. Optima with a component of fewer than two rows, or with a covariance eigenvalue below a
thousandth of the data's smallest, are degenerate: the search takes one only where it finds no other.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.real_data.project import data_folder
from tools.evidence.tables import heading, show, table
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import FULL, Shape
from warehouse_seg.mixture.parameters import parameter_count
from warehouse_seg.mixture.search import search
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]

TOLERANCE = 0.05
SEED = 1
EFFORT = replace(FULL, partitions=2 * FULL.partitions, refined=10, iterations=100, tolerance=1e-8)


@dataclass(frozen=True)
class Reference:
    """One of mclust's fits; lower BIC is better, as in scikit-learn."""

    dataset: str
    covariance_type: CovarianceType
    components: int
    bic: float


@dataclass(frozen=True)
class Reached:
    """Our BIC for the same shape, None where no sound optimum was found; and the best degenerate one."""

    reference: Reference
    bic: float | None

    @property
    def counts(self) -> bool:
        """Whether it is mclust's optimum or a better one."""
        return self.bic is not None and self.bic <= self.reference.bic + TOLERANCE


def references(folder: Path) -> list[Reference]:
    """All of fits.csv."""
    with (folder / "fits.csv").open(encoding="utf-8") as file:
        return [
            Reference(
                row["dataset"],
                row["sklearn_covariance_type"],  # type: ignore[arg-type]
                int(row["G"]),
                float(row["bic_as_sklearn"]),
            )
            for row in csv.DictReader(file)
        ]


def rows_of(folder: Path, dataset: str) -> Array:
    """The numeric columns of one data set, (n, D)."""
    with (folder / f"{dataset}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name and name != "known_class"]
    return np.array([[float(row[name]) for name in names] for row in rows])


def reached(folder: Path, datasets: Collection[str] | None = None) -> Iterator[Reached]:
    """Our search for every reference; each number of components starts from splits of the one before as well.

    datasets: only these
    """
    wanted = [
        optimum for optimum in references(folder) if not datasets or optimum.dataset in datasets
    ]
    for dataset, kind in dict.fromkeys((r.dataset, r.covariance_type) for r in wanted):
        values = rows_of(folder, dataset)
        largest = max(
            r.components for r in wanted if (r.dataset, r.covariance_type) == (dataset, kind)
        )
        bics = _bics(values, kind, largest)
        for reference in wanted:
            if (reference.dataset, reference.covariance_type) == (dataset, kind):
                yield Reached(reference, bics[reference.components])


def _bics(values: Array, kind: CovarianceType, largest: int) -> dict[int, float | None]:
    statistics = em.sufficient_statistics(values)
    min_eigenvalue = 1e-3 * float(np.linalg.eigvalsh(np.cov(values, rowvar=False)).min())
    bics: dict[int, float | None] = {}
    smaller = None
    for count in range(1, largest + 1):
        bics[count] = None
        try:
            result = search(
                statistics,
                Shape(count, kind),
                SEED,
                smaller=smaller,
                min_eigenvalue=min_eigenvalue,
                budget=EFFORT,
            )
        except np.linalg.LinAlgError:
            continue
        smaller = result.best.parameters
        free = parameter_count(count, values.shape[1], kind)
        bics[count] = -2 * result.best.objective + free * float(np.log(len(values)))
    return bics


def main() -> None:
    """Print the table."""
    folder = data_folder() / "gmm_reference"
    results = list(reached(folder))
    show(heading("Optima against mclust", f"Seed {SEED}."))
    worse = [optimum for optimum in results if not optimum.counts]
    better = [
        optimum
        for optimum in results
        if optimum.bic is not None and optimum.bic < optimum.reference.bic - TOLERANCE
    ]
    show(
        f"BIC within {TOLERANCE} of mclust's or better: {len(results) - len(worse)} of {len(results)}; "
        f"better by more than that: {len(better)}.\n"
    )
    listed = [*worse, *better]
    show(
        table(
            ("data", "covariance", "components", "mclust's BIC", "ours"),
            (
                (
                    optimum.reference.dataset,
                    optimum.reference.covariance_type,
                    optimum.reference.components,
                    f"{optimum.reference.bic:,.2f}",
                    "–" if optimum.bic is None else f"{optimum.bic:,.2f}",
                )
                for optimum in listed
            ),
        )
    )


if __name__ == "__main__":
    main()
