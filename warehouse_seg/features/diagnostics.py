"""What is unusual about features before a mixture is fitted on them, and what is done about it.

A mixture of Gaussians takes any oddity for a segment: a price that thousands paid to the cent becomes a spike, a column
that repeats another one a flat covariance. What can be treated is treated, the same for every candidate, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

POINT_MASS_SHARE = 0.005
POINT_MASS_CUSTOMERS = 20
"""Fewer equal values are no point mass that a component would live on."""

NEIGHBOURHOOD = 0.05
"""Share of the customers, to both sides, that say how dense the values around a point mass are."""

WIDER_THAN_RESOLUTION = 3.0
WIDEST = 1.0
"""Standard deviations: however many customers share a value, they are not spread over more than this."""

EXACTLY_COLLINEAR = 1e-3
NEARLY_COLLINEAR = 0.02
"""Share of a feature's variance that the features before it leave unexplained."""

MANY_COMPLETE = 10
"""Customers per feature, all features of whom are known, that say what follows from what."""

EXTREME = 8.0
"""Standard deviations from the mean beyond which a customer is spoken of."""

HEAVY_TAILED = 3.0
"""Excess kurtosis after the transform, that of a Student t with six degrees of freedom."""


@dataclass(frozen=True)
class PointMass:
    """One value that more customers share than its resolution explains.

    rows: where; share: of the customers; width: standard deviations over which the density around it holds as many
    """

    rows: NDArray[np.bool_]
    share: float
    width: float


def point_masses(z: Array, rounding_variance: Array) -> list[PointMass]:
    """The values of one feature that are shared by too many for a density, the largest first.

    z (n,): standardised values, NaN if not measured; rounding_variance (n,): of a resolution r it is r^2 / 12
    """
    values, counts = np.unique(z[np.isfinite(z)], return_counts=True)
    fewest = max(POINT_MASS_CUSTOMERS, POINT_MASS_SHARE * len(z))
    ordered = np.sort(z[np.isfinite(z)])
    masses = []
    for index in np.flatnonzero(counts >= fewest):
        width = _width(ordered, values[index], int(counts[index]))
        rows = z == values[index]
        resolution = float(np.sqrt(12 * rounding_variance[rows][0]))
        if width > WIDER_THAN_RESOLUTION * resolution:
            masses.append(PointMass(rows, counts[index] / len(z), width))
    return sorted(masses, key=lambda mass: -mass.share)


def spread(z: Array, rounding_variance: Array) -> tuple[Array, list[PointMass]]:
    """Rounding variances (n,) in which every point mass is as wide as the density around it says, and the point masses.

    A value known to lie within a width w only, evenly, has the variance w^2 / 12.
    """
    masses = point_masses(z, rounding_variance)
    widened = rounding_variance.copy()
    for mass in masses:
        widened[mass.rows] = mass.width**2 / 12
    return widened, masses


def _width(ordered: Array, value: float, count: int) -> float:
    """Over what width the customers near `value` are as many as those at it, in standard deviations."""
    first = int(np.searchsorted(ordered, value, side="left"))
    last = int(np.searchsorted(ordered, value, side="right"))
    reach = max(count, int(NEIGHBOURHOOD * len(ordered))) // 2
    low, high = max(first - reach, 0), min(last + reach, len(ordered)) - 1
    others = (first - low) + (high + 1 - last)
    distance = ordered[high] - ordered[low]
    return WIDEST if not others else float(min(WIDEST, count * distance / others))


def unexplained(z: Array) -> Array:
    """Per feature, the share of its variance that the features before it leave unexplained, (D,).

    The squared diagonal of R in z = Q R, over the squared norms of the centred columns; 1 for the first feature.
    Of the customers of whom all of them are known, while there are enough.
    """
    complete = ~np.isnan(z).any(axis=1)
    z = z[complete] if complete.sum() > MANY_COMPLETE * z.shape[1] else np.nan_to_num(z)
    centred = z - z.mean(axis=0)
    triangle = np.linalg.qr(centred, mode="r")
    shares: Array = np.diag(triangle) ** 2 / np.maximum((centred**2).sum(axis=0), 1e-300)
    return shares


def parts_of_one(columns: Mapping[str, Array], names: Sequence[str]) -> list[str]:
    """Those of the named columns that are shares of one whole: between 0 and 1, and summing to 1. Else nothing."""
    shares = [
        name
        for name in names
        if np.nanmin(columns[name]) >= 0 and np.nanmax(columns[name]) <= 1 + 1e-9
    ]
    if len(shares) < 2:
        return []
    total = np.sum([columns[name] for name in shares], axis=0)
    whole = np.isclose(total, 1, rtol=0, atol=1e-6) | np.isclose(total, 0, rtol=0, atol=1e-12)
    return shares if whole[np.isfinite(total)].mean() > 0.99 and total.max() > 0.5 else []


def is_flag(values: Array) -> bool:
    """Whether a column (n,) says yes or no only: two groups, not a measure."""
    return len(np.unique(values[np.isfinite(values)])) == 2


def tail_findings(name: str, z: Array) -> list[str]:
    """Heavy tails and extreme customers of one standardised feature (n,), in words."""
    findings = []
    z = z[np.isfinite(z)]
    beyond = int((np.abs(z) > EXTREME).sum())
    if beyond:
        findings.append(
            f"{name}: {beyond} customers lie more than {EXTREME:g} standard deviations out; kept, `is_outlier` tells "
            "them. `clip` in `model.features` would draw them in"
        )
    kurtosis = float((z**4).mean() - 3)
    if kurtosis > HEAVY_TAILED:
        findings.append(
            f"{name}: heavy tails after its transform (excess kurtosis {kurtosis:.1f}); kept, expect a wide segment"
        )
    return findings
