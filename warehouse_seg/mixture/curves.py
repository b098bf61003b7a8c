"""Where a curve bends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def below_chord(x: Array, y: Array) -> Array:
    """How far a curve (n,) lies below the line from its first to its last point, (n,): farthest at the elbow.

    Satopää et al. 2011, *Finding a "Kneedle" in a Haystack*.
    """
    share = (x - x[0]) / (x[-1] - x[0])
    distance: Array = y[0] + share * (y[-1] - y[0]) - y
    return distance
