"""How one measure becomes a standardised feature, and the categories that have columns of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, PositiveFloat, model_validator

from warehouse_seg.model.exponent_text import exponent_text
from warehouse_seg.model.transforms import TRANSFORMS, is_measured
from warehouse_seg.model.values import ColumnName, ColumnSuffix, Frozen, TransformName

Array = NDArray[np.float64]


NUMBERS_OF_A_FEATURE = ("floor", "clip_low", "clip_high", "median", "center", "scale")


class Feature(Frozen):
    """How one measure becomes a standardised one.

    reference: of a share, the share that it is divided by, both taken as `floor` at least; None for a plain column
    clip_low, clip_high: in the raw unit, applied before the transform; None leaves that side open
    median: of the training values, in the raw unit; profiles sum around it
    center, scale: mean and standard deviation of the transformed training values
    resolution: the unit that the column was measured in; 0 where values are exact
    point_masses: values (clipped, in the raw unit) that many customers share, each with the rounding variance
        (standardised) that it is given
    quantiles: share of training customers → raw value, for profiles and drift
    """

    feature: ColumnName
    transform: TransformName = "identity"
    reference: ColumnName | None = None
    floor: PositiveFloat | None = None
    clip_low: FiniteFloat | None = None
    clip_high: FiniteFloat | None = None
    median: FiniteFloat = 0.0
    center: FiniteFloat = 0.0
    scale: PositiveFloat = 1.0
    resolution: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    point_masses: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()
    quantiles: dict[str, FiniteFloat] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _transform_is_defined(self) -> Self:
        transform = TRANSFORMS[self.transform]
        low, high = self.clip_low, self.clip_high
        if low is not None and high is not None and low > high:
            raise ValueError(f"{self.feature}: clip_low {low} > clip_high {high}")
        if transform.lowest is not None and (low is None or not transform.admits(low)):
            raise ValueError(
                f"{self.feature}: {self.transform} needs a clip_low above {transform.lowest}, found {low}"
            )
        if (self.reference is None) != (self.floor is None):
            raise ValueError(f"{self.feature}: a reference and a floor come together")
        return self

    @property
    def column_names(self) -> list[str]:
        """The columns that it is made of."""
        return [self.feature] if self.reference is None else [self.feature, self.reference]

    def measured(self, columns: Mapping[str, Array]) -> Array:
        """Raw columns → this feature's values (n,), NaN where it, or a part of its ratio, was not measured."""
        parts = [columns[name] for name in self.column_names]
        values = [np.where(is_measured(part), part.astype(float), np.nan) for part in parts]
        if self.floor is None:
            return values[0]
        ratio: Array = np.maximum(values[0], self.floor) / np.maximum(values[1], self.floor)
        return ratio

    def clipped(self, values: Array) -> Array:
        """Measured values → raw values inside the clips; NaN stays."""
        clipped = np.where(is_measured(values), values, np.nan)
        if self.clip_low is not None:
            clipped = np.maximum(clipped, self.clip_low)
        if self.clip_high is not None:
            clipped = np.minimum(clipped, self.clip_high)
        return clipped

    def standardized(self, values: Array) -> Array:
        """Measured values (n,) → z = (T(clip(x)) - center) / scale, (n,); NaN stays."""
        transformed = TRANSFORMS[self.transform].array(self.clipped(values))
        return (transformed - self.center) / self.scale

    def raw(self, z: float) -> float:
        """A standardised value back in the raw unit: the inverse of `standardized`; infinite where that overflows."""
        try:
            return TRANSFORMS[self.transform].inverse(self.center + self.scale * z)
        except OverflowError:
            return math.inf

    def to_macro(self) -> dict[str, Any]:
        """The dictionary that the SQL macros take: numbers as exponent texts."""
        values = {name: getattr(self, name) for name in NUMBERS_OF_A_FEATURE}
        texts = {name: None if v is None else exponent_text(v) for name, v in values.items()}
        return {
            "feature": self.feature,
            "transform": self.transform,
            "reference": self.reference,
            **texts,
        }

    def rounding_to_macro(self) -> dict[str, Any]:
        """What the population pass needs beside: (step T'(x))^2, but for point masses. Numbers as exponent texts."""
        return {
            "step": exponent_text(self.resolution / (self.scale * math.sqrt(12))),
            "point_masses": [
                [exponent_text(value), exponent_text(rounding_variance)]
                for value, rounding_variance in self.point_masses
            ],
        }


MISCELLANEOUS = frozenset(
    {"", "unknown", "other", "others", "none", "null", "n/a", "na", "misc", "miscellaneous"}
)


def is_miscellaneous(category: str) -> bool:
    """Whether a category is a name for no category: the package's own `unknown`, and what shops write instead.

    >>> [is_miscellaneous(name) for name in ("Other", " unknown ", "Others & gifts")]
    [True, True, False]
    """
    return category.strip().lower() in MISCELLANEOUS


class Category(Frozen):
    """A category with a column of its own: its raw value and the end of its columns' names."""

    category: str
    column_suffix: ColumnSuffix

    @property
    def is_miscellaneous(self) -> bool:
        """Whether it is no category: it makes no default feature, and no name speaks of it."""
        return is_miscellaneous(self.category)
