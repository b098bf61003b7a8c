"""The known study of `marketing_campaign.csv`, reproduced, and what this package says of the same customers:
`python -m tools.evidence.study`.

The study fits full-covariance mixtures with 1 to 10 components on six spend columns after StandardScaler, and takes the
nine with the lowest BIC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import warehouse_seg
from tests.real_data.project import data_folder
from tools.evidence.tables import heading, recommended, show, table
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.selection import MIN_STABILITY
from warehouse_seg.mixture.stability import Stability, bootstrap_stability
from warehouse_seg.model.segment_model import SegmentModel

Array = NDArray[np.float64]

SPEND = (
    "MntWines",
    "MntFruits",
    "MntMeatProducts",
    "MntFishProducts",
    "MntSweetProducts",
    "MntGoldProds",
)
PUBLISHED = {
    1: 33_405,
    2: 15_798,
    3: 11_459,
    4: 10_841,
    5: 9_662,
    6: 8_506,
    7: 8_279,
    8: 7_931,
    9: 7_898,
    10: 7_926,
}
"""BIC by number of components, as the study prints it."""

CHOSEN = 9


def spending(folder: Path) -> pd.DataFrame:
    """The six spend columns of all 2,240 customers."""
    file = folder / "customer_personality" / "marketing_campaign.csv"
    return pd.read_csv(file, sep="\t")[list(SPEND)].astype(float)


def study_mixture(spend: pd.DataFrame, components: int) -> GaussianMixture:
    """The study's own fit."""
    mixture = GaussianMixture(
        components,
        covariance_type="full",
        init_params="kmeans",
        n_init=5,
        max_iter=100,
        reg_covar=1e-6,
        random_state=42,
    )
    return mixture.fit(StandardScaler().fit_transform(spend))


def study_bic(spend: pd.DataFrame, components: int) -> float:
    """The study's criterion, lower is better."""
    z = StandardScaler().fit_transform(spend)
    return float(study_mixture(spend, components).bic(z))


def study_stability(spend: pd.DataFrame, mixture: GaussianMixture) -> Stability:
    """How well the study's segments repeat, by this package's measure, in the study's own treatment of the columns.

    Its components are collapsed ones by that measure; here they count, as they do in the study.
    """
    z = StandardScaler().fit_transform(spend)
    parameters = Parameters(mixture.weights_, mixture.means_, mixture.covariances_)
    shape = Shape(len(mixture.weights_), "full")
    return bootstrap_stability(
        em.sufficient_statistics(z), parameters, shape, seed=1, min_eigenvalue=0.0
    )


@dataclass(frozen=True)
class Narrowest:
    """Where a component is narrowest, in units of money, and what share of its customers is at exactly zero."""

    customers: int
    column: str
    mean: float
    deviation: float
    zero_share: float


def narrowest(spend: pd.DataFrame, mixture: GaussianMixture) -> list[Narrowest]:
    """One per component, the narrowest first."""
    scaler = StandardScaler().fit(spend)
    labels = mixture.predict(scaler.transform(spend))
    narrowest = []
    for component, covariance in enumerate(mixture.covariances_):
        deviations = np.sqrt(np.diag(covariance)) * scaler.scale_
        column = int(deviations.argmin())
        own = spend[labels == component]
        mean = mixture.means_[component, column] * scaler.scale_[column] + scaler.mean_[column]
        zero = float((own.iloc[:, column] == 0).mean())
        narrowest.append(Narrowest(len(own), SPEND[column], mean, deviations[column], zero))
    return sorted(narrowest, key=lambda component: component.deviation)


@cache
def package_model(folder: Path) -> SegmentModel:
    """What `warehouse_seg.fit` makes of the same six columns with default settings."""
    return warehouse_seg.fit(spending(folder))


def report(folder: Path) -> Iterator[str]:
    """The parts of the document, in Markdown."""
    spend = spending(folder)
    yield heading("The ten values", "Lower is better.")
    yield table(
        ("K", "published", "here"),
        [
            (components, f"{value:,}", f"{study_bic(spend, components):,.1f}")
            for components, value in PUBLISHED.items()
        ],
    )
    yield "### What the nine are\n"
    yield from _the_nine(spend)
    yield "### Other starts, other answers\n"
    yield _other_settings(folder)
    yield "### What this package says\n"
    yield from _package(package_model(folder))


def _the_nine(spend: pd.DataFrame) -> Iterator[str]:
    mixture = study_mixture(spend, CHOSEN)
    stability = study_stability(spend, mixture)
    smallest = np.linalg.eigvalsh(mixture.covariances_).min()
    memberships = mixture.predict_proba(StandardScaler().fit_transform(spend))
    yield (
        f"Adjusted Rand index over bootstrap samples {stability.agreement:.2f} ({MIN_STABILITY} is needed here), worst "
        f"segment {min(stability.jaccard):.2f} (Jaccard); smallest covariance eigenvalue {smallest:.1e}; mean top "
        f"membership {memberships.max(axis=1).mean():.2f}.\n"
    )
    yield "Where each of the nine is narrowest, in units of money:\n"
    yield table(
        ("customers", "column", "mean", "standard deviation", "exactly 0"),
        [
            (n.customers, n.column, f"{n.mean:.1f}", f"{n.deviation:.1f}", f"{n.zero_share:.0%}")
            for n in narrowest(spend, mixture)
        ],
    )


def _other_settings(folder: Path) -> str:
    """The lowest BIC and its K for every tool and setting in the reference file."""
    file = folder / "customer_personality" / "bic_reference.csv"
    fits = pd.read_csv(file, dtype=str, keep_default_na=False)
    settings = ["tool", "init", "n_init", "reg_covar"]
    lowest = fits.bic.astype(float).groupby([fits[name] for name in settings], sort=False).idxmin()
    rows = fits.loc[lowest, [*settings, "K", "bic"]].to_numpy().tolist()
    return table(
        ("tool", "start", "restarts", "reg_covar", "best K tried", "BIC"),
        [(*(cell or "–" for cell in cells), f"{float(bic):,.0f}") for *cells, bic in rows],
    )


def _package(model: SegmentModel) -> Iterator[str]:
    yield f"{recommended(model)}.\n"
    yield "Found before fitting:\n"
    yield "".join(f"- {finding}\n" for finding in model.training.findings)
    yield "The candidates whose bootstrap agreement was measured:\n"
    yield table(
        ("K", "covariance", "BIC", "stability", "worst segment", "smallest eigenvalue", "verdict"),
        [
            (
                candidate.n_components,
                candidate.covariance_type,
                _number(candidate.bic, ",.0f"),
                _number(candidate.stability, ".2f"),
                _number(candidate.smallest_jaccard, ".2f"),
                _number(candidate.smallest_eigenvalue, ".1e"),
                candidate.reason,
            )
            for candidate in model.candidates
            if candidate.stability is not None
        ],
    )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def main() -> None:
    """Print the document's tables."""
    with threadpool_limits(1):
        for part in report(data_folder()):
            show(part)


if __name__ == "__main__":
    main()
