"""The unit that a column was measured in, and the variance that rounding to it left (Sheppard)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.feature import Feature
from warehouse_seg.model.transforms import TRANSFORMS, is_measured

Array = NDArray[np.float64]


MONEY_OF_QUOTIENT = {"average_order_value": "net_spend"}
"""Quotients of money are measured in the unit of the money, which their values do not show."""


MOST_DECIMALS = 10
"""A column with more was not rounded by anybody: its values are exact."""


DOUBLE_ERROR = 4e-15
"""What a double and a few sums leave of a decimal, as a part of its value."""


MOST_ERROR = 0.01
"""Of a step: beyond it nobody can say of a double whether it is a whole number of steps."""


def rounding_variance(feature: Feature, values: Array) -> Array:
    """Measured values (n,) → (q T'(x) / scale)^2 / 12 (n,), the variance that rounding to unit q left (Sheppard).

    Where the value was clipped its slope is taken at the clip; 0 where nothing was measured.
    """
    slope = TRANSFORMS[feature.transform].derivative(feature.clipped(values))
    result: Array = (feature.resolution * slope / feature.scale) ** 2 / 12
    return np.nan_to_num(result)


def resolution(name: str, columns: Mapping[str, Array]) -> float:
    """The unit that a column was measured in, 0 where values are exact: the step that all its values are multiples of.

    name: of one of the columns, raw values (n,); the column of the money that a quotient is made of is looked up there
    """
    measured = MONEY_OF_QUOTIENT.get(name, name)
    return smallest_step(columns[measured if measured in columns else name])


def smallest_step(values: Array) -> float:
    """The largest unit that all measured values (n,) are multiples of; 0 where they are exact.

    The greatest common divisor of the values as whole numbers of their last decimal.

    >>> [smallest_step(np.array(x)) for x in ([12.34, 5.1], [0.3, 2.1, 9.0], [30.0, 450.0], [0.1, 2**0.5])]
    [0.02, 0.3, 30.0, 0.0]
    """
    measured = np.abs(values[is_measured(values)])
    for decimals in range(MOST_DECIMALS + 1):
        steps = measured * 10.0**decimals
        error = DOUBLE_ERROR * steps.max(initial=0.0)
        if error > MOST_ERROR:
            break
        whole = np.rint(steps)
        if np.abs(steps - whole).max(initial=0.0) <= max(error, 1e-6):
            return float(np.gcd.reduce(whole.astype(np.int64))) / 10.0**decimals
    return 0.0
