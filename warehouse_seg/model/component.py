"""One Gaussian of the mixture with the segment that it is."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import FiniteFloat, PositiveFloat, model_validator

from warehouse_seg.model.exponent_text import exponent_text, exponent_texts
from warehouse_seg.model.gaussian import WeightedGaussian, log_norm_of, precision_cholesky
from warehouse_seg.model.values import (
    Frozen,
    Matrix,
    SegmentKey,
    SegmentName,
    Vector,
    as_matrix,
)

Array = NDArray[np.float64]


class Component(Frozen):
    """One Gaussian of the mixture, in standardised units, with the segment that it is.

    mean (D,), covariance (D, D), precision_cholesky (D, D) upper triangular with covariance^-1 = U U'.
    """

    segment_key: SegmentKey
    segment_name: SegmentName
    description: str = ""
    weight: PositiveFloat
    log_norm: FiniteFloat
    mean: Vector
    covariance: Matrix
    precision_cholesky: Matrix

    @classmethod
    def from_covariance(
        cls, key: str, weight: float, mean: Array, covariance: Array, name: str | None = None
    ) -> Self:
        """The component with this weight, mean (D,) and covariance (D, D).

        Raises ValueError where the covariance is not positive definite.
        """
        return cls.from_factor(key, weight, mean, covariance, precision_cholesky(covariance), name)

    @classmethod
    def from_factor(
        cls,
        key: str,
        weight: float,
        mean: Array,
        covariance: Array,
        factor: Array,
        name: str | None = None,
    ) -> Self:
        """The same, when the precision's Cholesky factor (D, D) is known already."""
        return cls(
            segment_key=key,
            segment_name=name or f"Segment {key}",
            weight=float(weight),
            log_norm=log_norm_of(weight, factor),
            mean=tuple(np.asarray(mean, dtype=float).tolist()),
            covariance=as_matrix(covariance),
            precision_cholesky=as_matrix(np.triu(factor)),
        )

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        size = len(self.mean)
        for name in ("covariance", "precision_cholesky"):
            rows = getattr(self, name)
            if len(rows) != size or any(len(row) != size for row in rows):
                raise ValueError(f"{self.segment_key}: {name} is not {size} x {size}")
        factor = np.array(self.precision_cholesky)
        if np.any(np.diag(factor) <= 0) or np.any(np.tril(factor, -1) != 0):
            raise ValueError(
                f"{self.segment_key}: precision_cholesky is not an upper triangle with a positive "
                "diagonal"
            )
        return self

    def require_log_norm(self, tolerance: float) -> None:
        """Raise ValueError where log_norm is not that of the weight and the factor, relative to its size."""
        expected = log_norm_of(self.weight, np.array(self.precision_cholesky))
        if abs(self.log_norm - expected) > tolerance * max(1.0, abs(expected)):
            raise ValueError(
                f"{self.segment_key}: log_norm is {self.log_norm}, not the {expected} of its weight and "
                "precision_cholesky"
            )

    def to_macro(self) -> dict[str, Any]:
        """The dictionary that the SQL macros take: numbers as exponent texts."""
        return {
            "segment_key": self.segment_key,
            "segment_name": self.segment_name,
            "description": self.description,
            "weight": exponent_text(self.weight),
            "log_norm": exponent_text(self.log_norm),
            "mean": [exponent_text(value) for value in self.mean],
            "covariance": exponent_texts(self.covariance),
            "precision_cholesky": exponent_texts(self.precision_cholesky),
        }

    def gaussian(self, places: NDArray[np.intp] | None = None) -> WeightedGaussian:
        """Its weighted density over the features at these places, over all of them by default."""
        mean = np.array(self.mean)
        if places is None or len(places) == len(mean):
            # The stored factor, to the last bit: what SQL scores with.
            return WeightedGaussian(mean, np.array(self.precision_cholesky), self.log_norm)
        return WeightedGaussian.marginal(self.weight, mean, np.array(self.covariance), places)
