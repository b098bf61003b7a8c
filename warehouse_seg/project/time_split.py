"""The customers of an earlier day beside what they did afterwards: what a prediction is measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.mixture import em

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TimeSplit:
    """The customers of an earlier day, prepared as of that day, and what they did in the time after it.

    history (n, 3): recency, order count and net spend; spend (n,), bought (n,): afterwards
    """

    as_of_date: str
    window_days: int
    statistics: em.SufficientStatistics
    history: Array
    spend: Array
    bought: NDArray[np.bool_]


@dataclass(frozen=True)
class Unavailable:
    """Why nothing can be said of an earlier day."""

    reason: str
