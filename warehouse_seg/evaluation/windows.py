"""Whether the segments would have been the same on an earlier day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.stability import refitted, top_components

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """Customers as of an earlier day; each counts once, since weights are known of today only.

    agreement: adjusted Rand index of their top segments under the model and under a refit to them; None where the
        refit collapses
    shares: of each segment under the model as it is, by membership; None where the model could not be applied
    """

    as_of_date: str
    customers: int
    agreement: float | None
    shares: tuple[float, ...] | None = None


def shares_of(memberships: Array, weights: Array | None = None) -> tuple[float, ...]:
    """The share of each segment, by membership (K, n), in the order of the segments.

    weights (n,): how many customers each row stands for; None where each is itself
    """
    shares = np.average(memberships, axis=1, weights=weights)
    return tuple(float(share) for share in shares)


def window_agreement(
    statistics: em.SufficientStatistics, parameters: Parameters, shape: Shape, seed: int
) -> float | None:
    """The agreement of the model with a refit to the customers of an earlier day.

    statistics: those customers, in the model's feature space
    """
    refit, _ = refitted(statistics, parameters, shape, seed)
    if refit is None:
        return None
    refit_labels = top_components(statistics, refit.parameters)
    return float(adjusted_rand_score(top_components(statistics, parameters), refit_labels))
