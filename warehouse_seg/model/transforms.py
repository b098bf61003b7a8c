"""The transforms of features: array form and SQL form side by side.

The SQL that runs is rendered from `dbt_project/macros/scoring/transforms.sql`; the text here is what a test
compares it with, so that neither side can change alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LARGEST_MEASURE = 1e100
"""Beyond this nothing is a measurement; it keeps squares of standardised values finite."""


@dataclass(frozen=True)
class Transform:
    """A monotone map of one feature.

    array: values → values, elementwise; the same elementary operations as the SQL, in the same order
    derivative: dT/dx, elementwise; carries a rounding variance from the raw unit to the transformed one
    inverse: a transformed number back in the raw unit
    sql: the same map over `{value}`
    lowest: smallest argument for which the map is defined (exclusive where `open_at_lowest`), or None
    """

    array: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    inverse: Callable[[float], float]
    sql: str
    lowest: float | None = None
    open_at_lowest: bool = False

    def admits(self, value: float) -> bool:
        """Whether the map is defined at `value`."""
        if self.lowest is None:
            return True
        return value > self.lowest if self.open_at_lowest else value >= self.lowest


TRANSFORMS: dict[str, Transform] = {
    "identity": Transform(
        array=lambda x: x,
        derivative=np.ones_like,
        inverse=lambda t: t,
        sql="{value}",
    ),
    "log": Transform(
        array=np.log,
        derivative=lambda x: 1.0 / x,
        inverse=math.exp,
        sql="ln({value})",
        lowest=0.0,
        open_at_lowest=True,
    ),
    "log1p": Transform(
        array=lambda x: np.log(1.0 + x),
        derivative=lambda x: 1.0 / (1.0 + x),
        inverse=math.expm1,
        sql="ln(1e0 + {value})",
        lowest=-1.0,
        open_at_lowest=True,
    ),
    "sqrt": Transform(
        array=np.sqrt,
        # sqrt has no slope at zero: the rounding of a zero is taken at a quarter of the unit.
        derivative=lambda x: 0.5 / np.sqrt(np.maximum(x, 0.25)),
        inverse=lambda t: t * abs(t),
        sql="sqrt({value})",
        lowest=0.0,
    ),
    "signed_log1p": Transform(
        array=lambda x: np.sign(x) * np.log(1.0 + np.abs(x)),
        derivative=lambda x: 1.0 / (1.0 + np.abs(x)),
        inverse=lambda t: math.copysign(math.expm1(abs(t)), t),
        sql="sign({value}) * ln(1e0 + abs({value}))",
    ),
}


def is_measured(values: Array) -> NDArray[np.bool_]:
    """Where a value is a measurement: not NaN, not infinite, not beyond `LARGEST_MEASURE`."""
    with np.errstate(invalid="ignore"):
        # In 32 bits the largest measure would be infinity, and infinity a measure.
        measured: NDArray[np.bool_] = np.abs(values.astype(float)) <= LARGEST_MEASURE
    return measured
