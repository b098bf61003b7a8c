"""The unit that a column was measured in, and the variance that rounding to it left (Sheppard)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.feature import Feature
from warehouse_seg.model.transforms import TRANSFORMS, is_measured

Array = NDArray[np.float64]


KNOWN_RESOLUTIONS = {"average_order_value": 0.01}
"""Units of measurement that the values do not show: a quotient of cents is no multiple of a cent."""


RESOLUTIONS = (1.0, 0.1, 0.01, 0.001, 0.0001)


def rounding_variance(feature: Feature, values: Array) -> Array:
    """Measured values (n,) → (q T'(x) / scale)^2 / 12 (n,), the variance that rounding to unit q left (Sheppard).

    Where the value was clipped its slope is taken at the clip; 0 where nothing was measured.
    """
    slope = TRANSFORMS[feature.transform].derivative(feature.clipped(values))
    result: Array = (feature.resolution * slope / feature.scale) ** 2 / 12
    return np.nan_to_num(result)


def resolution(name: str, values: Array) -> float:
    """The unit that a column was measured in: the largest power of ten that all values are multiples of, or 0.

    Spend in a category is measured in whole units of money: between nothing and a cent lies nobody's behaviour.
    """
    if name in KNOWN_RESOLUTIONS:
        return KNOWN_RESOLUTIONS[name]
    if name.startswith("spend_"):
        return 1.0
    measured = values[is_measured(values)]
    for unit in RESOLUTIONS:
        steps = measured / unit
        if np.allclose(steps, np.round(steps), rtol=0, atol=1e-6):
            return unit
    return 0.0
