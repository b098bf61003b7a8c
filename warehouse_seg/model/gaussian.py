"""The one home of the Gaussian density of a component, over all features or those that were measured.

With weight w, mean m, covariance S (D, D) and the Cholesky factor U of its inverse, S^-1 = U U':

    ln w + ln N(z | m, S) = log_norm - 1/2 |(z - m) U|^2,     log_norm = ln w + sum_j ln U[j, j] - D/2 ln 2 pi
                          = c + b' z - 1/2 z' S^-1 z,         b = S^-1 m

The first form scores customers; the second is linear in 1, z and z z', which EM sums. The marginal over some of the
features has their part of m and of S.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class WeightedGaussian:
    """w N(z | m, S) over D features: mean (D,), factor U (D, D) of the inverse covariance, log_norm."""

    mean: Array
    factor: Array
    log_norm: float

    @classmethod
    def marginal(
        cls, weight: float, mean: Array, covariance: Array, places: Places
    ) -> WeightedGaussian:
        """The density of the features at these places, of which there may be none.

        mean (D,), covariance (D, D): of all features
        Raises ValueError where the covariance is not positive definite.
        """
        if not len(places):
            return cls(np.empty(0), np.empty((0, 0)), math.log(weight))
        factor = precision_cholesky(covariance[np.ix_(places, places)])
        return cls(mean[places], factor, log_norm_of(weight, factor))

    @property
    def precision(self) -> Array:
        """The inverse of the covariance, (D, D)."""
        precision: Array = self.factor @ self.factor.T
        return precision

    def log_joint(self, z: Array) -> Array:
        """Ln w + ln N(z | m, S) of every row of z (n, D), (n,)."""
        whitened = (z - self.mean) @ self.factor
        joint: Array = self.log_norm - 0.5 * np.einsum("ij,ij->i", whitened, whitened)
        return joint

    def log_joint_at(self, z: Array) -> float:
        """The same at one place z (D,)."""
        return float(self.log_joint(z[None])[0])

    def gradient(self, z: Array) -> Array:
        """Of the log joint density at one place z (D,), (D,)."""
        gradient: Array = self.factor @ ((self.mean - z) @ self.factor)
        return gradient


def log_joint_coefficients(
    weight: float, mean: Array, covariance: Array, measured: NDArray[np.bool_]
) -> tuple[float, Array, Array]:
    """c, b (D,) and S^-1 (D, D) of the second form above over the measured features (D,), zero at the others.

    mean (D,), covariance (D, D): of all features
    Raises numpy.linalg.LinAlgError where the covariance is not positive definite.
    """
    from scipy.linalg import cho_solve, cholesky  # noqa: PLC0415 - see precision_cholesky

    places = np.flatnonzero(measured)
    lower = cholesky(covariance[np.ix_(places, places)], lower=True)
    precision = np.zeros_like(covariance)
    precision[np.ix_(places, places)] = cho_solve((lower, True), np.eye(len(places)))
    linear = precision @ mean
    log_determinant = 2 * np.log(np.diag(lower)).sum()
    constant = mean @ linear + log_determinant + len(places) * math.log(2 * math.pi)
    return float(np.log(weight) - 0.5 * constant), linear, precision


def precision_cholesky(covariance: Array) -> Array:
    """U (D, D) upper triangular with covariance^-1 = U U'.

    From the lower factor L of the covariance: U = (L^-1)'. Raises ValueError where it is not positive definite.
    """
    # SciPy takes a quarter of a second to import, and a stored model is read without it.
    from scipy.linalg import LinAlgError, cholesky, solve_triangular  # noqa: PLC0415

    try:
        lower = cholesky(covariance, lower=True)
    except LinAlgError as error:
        raise ValueError(
            "the covariance is not positive definite: too few or identical customers, or features that "
            "determine each other; fit fewer segments or drop a feature"
        ) from error
    identity = np.eye(len(covariance))
    return np.ascontiguousarray(solve_triangular(lower, identity, lower=True).T)


def memberships_of(log_joint: Array, axis: int = -1) -> Array:
    """The memberships from the log joint densities of the components along an axis: exp, over its sum.

    Beside scipy.special.softmax, which gives the same, since what reads a stored model imports no SciPy.
    """
    relative = np.exp(log_joint - log_joint.max(axis=axis, keepdims=True))
    memberships: Array = relative / relative.sum(axis=axis, keepdims=True)
    return memberships


def log_norm_of(weight: float, factor: Array) -> float:
    """Ln w + sum_j ln U[j, j] - D/2 ln 2 pi, for a precision's Cholesky factor (D, D)."""
    return (
        math.log(weight)
        + float(np.sum(np.log(np.diag(factor))))
        - len(factor) / 2 * math.log(2 * math.pi)
    )
