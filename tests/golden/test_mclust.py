"""Memberships and log densities of 73 mixtures that R's mclust fitted, at the parameters that it wrote.

Another language, another library, another author: what it says of its own example data is the known answer. The files
and how they were made stand in `gmm_reference/` of the data folder. The SQL starts from weights, means and covariances;
the factors are this package's own.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scored import Scores, score
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.values import CovarianceType

pytestmark = pytest.mark.both_duckdb

Array = NDArray[np.float64]

TOLERANCE = 1e-9
"""Absolute for memberships; for log densities relative to |log density|, or to 1 where that is smaller."""

COVARIANCE_TYPES: dict[str, CovarianceType] = {
    "VVV": "full",
    "EEE": "tied",
    "VVI": "diag",
    "VII": "spherical",
}

# Data set, then mclust's name of the covariance model and the numbers of components.
TABLE = """
banknote             VVV 2 3    EEE 2 3    VVI 2 3 4  VII 2 3 5
diabetes_as_shipped  VVV 2 3    EEE 2 3 6  VVI 2 3 4  VII 2 3 8
diabetes_corrected   VVV 2 3    EEE 2 3 6  VVI 2 3 4  VII 2 3 8
euro_unemployment    VVV 1 2 3  EEE 1 2 3  VVI 2 3 5  VII 2 3
faithful             VVV 2 3    EEE 2 3    VVI 2 3    VII 2 3 9
iris                 VVV 2 3    EEE 2 3 5  VVI 2 3 6  VII 2 3 7
thyroid              VVV 2 3    EEE 2 3 9  VVI 2 3    VII 2 3 9
"""


def fits() -> list[str]:
    """The names of all fits, such as iris_VVV_2."""
    names = []
    for line in TABLE.split("\n"):
        dataset, *words = line.split() or [""]
        covariance = ""
        for word in words:
            covariance = word if word in COVARIANCE_TYPES else covariance
            names += [f"{dataset}_{covariance}_{word}"] if word.isdigit() else []
    return names


FITS = fits()


@pytest.fixture(scope="module")
def reference(data_folder: Path) -> Path:
    return data_folder / "gmm_reference"


@dataclass(frozen=True)
class Answer:
    """What mclust says of every row: memberships (n, K), log densities (n,)."""

    memberships: Array
    log_density: Array


def columns_of(path: Path) -> dict[str, list[str]]:
    """A file's columns as text: `float` reads all 17 digits of it, which a CSV reader may not."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def customers_of(reference: Path, fit: str) -> dict[str, Array]:
    dataset = fit.rsplit("_", 2)[0]
    columns = columns_of(reference / f"{dataset}.csv")
    return {
        name: np.array(values, dtype=float)
        for name, values in columns.items()
        if name != "known_class"
    }


def answer_of(reference: Path, fit: str) -> Answer:
    columns = columns_of(reference / "posteriors" / f"{fit}.csv")
    names = [name for name in columns if name[0] == "p" and name[1:].isdigit()]
    memberships = np.array([columns[name] for name in names], dtype=float).T
    return Answer(memberships, np.array(columns["logdens"], dtype=float))


def model_of(reference: Path, fit: str) -> SegmentModel:
    """The mixture of one fit, over the columns of its data set as they are."""
    _, covariance, count = fit.rsplit("_", 2)
    columns = columns_of(reference / "params" / f"{fit}.csv")
    numbers = np.array(columns["component"], dtype=int)
    values = np.array(columns["value"], dtype=float)
    what = np.array(columns["what"])

    def component(number: int) -> Component:
        weight, mean, statistics = (
            values[(numbers == number) & (what == part)] for part in ("weight", "mean", "cov")
        )
        square = statistics.reshape(len(mean), len(mean))
        return Component.from_covariance(f"p{number}", weight.item(), mean, square)

    return SegmentModel(
        covariance_type=COVARIANCE_TYPES[covariance],
        features=tuple(Feature(feature=name) for name in customers_of(reference, fit)),
        components=tuple(component(number) for number in range(1, int(count) + 1)),
    )


def errors(scores: Scores, answer: Answer) -> tuple[float, float]:
    """The largest ones, of memberships and of log densities."""
    differences = np.abs(scores.log_density - answer.log_density)
    relative = differences / np.maximum(np.abs(answer.log_density), 1)
    return float(np.abs(scores.memberships - answer.memberships).max()), float(relative.max())


@pytest.mark.parametrize("fit", FITS)
def test_known_answer(database: duckdb.DuckDBPyConnection, reference: Path, fit: str) -> None:
    answer = answer_of(reference, fit)
    scores = score(database, model_of(reference, fit), customers_of(reference, fit))
    assert scores.memberships.shape == answer.memberships.shape
    assert max(errors(scores, answer)) <= TOLERANCE


def test_all_fits_are_here(reference: Path) -> None:
    written = columns_of(reference / "fits.csv")
    names = zip(written["dataset"], written["model"], written["G"], strict=True)
    assert sorted(FITS) == sorted("_".join(parts) for parts in names)
    assert len(FITS) == 73


def test_the_check_sees_two_features_swapped(
    database: duckdb.DuckDBPyConnection, reference: Path
) -> None:
    """The fault planted: in one segment the variances of the first two features change places."""
    fit = "iris_VVV_2"
    model, answer = model_of(reference, fit), answer_of(reference, fit)
    first, second = model.components
    order = [1, 0, 2, 3]
    swapped = Component.from_covariance(
        first.segment_key,
        first.weight,
        np.array(first.mean),
        np.array(first.covariance)[order][:, order],
    )
    wrong = model.model_copy(update={"components": (swapped, second)})
    customers = customers_of(reference, fit)
    assert max(errors(score(database, model, customers), answer)) <= TOLERANCE
    assert min(errors(score(database, wrong, customers), answer)) > TOLERANCE
