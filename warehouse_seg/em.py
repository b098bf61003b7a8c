"""Expectation maximisation from sums.

Everything an M-step needs of the customers is a sum: counts, sums and cross-products per component. So one customer is
one row of *moments*, and both steps are matrix products over them:

    moments_i = (1, z_i, upper triangle of z_i z_i' + diag psi_i)

where psi_if is the known rounding variance of customer i's feature f (zero where a value is exact). Taking
the expectation over Gaussian rounding of that variance, the E-step's quadratic form and the M-step's
cross-products both use E[z z'] = z z' + diag psi, so rounding costs nothing once it is in the moments:

    E:  ln r_ik ~ ln w_k + ln N(z_i | m_k, S_k) - 1/2 sum_f (S_k^-1)_ff psi_if
    M:  S_k = sum_i r_ik ((z_i - m_k)(z_i - m_k)' + diag psi_i) / N_k

The objective sum_i ln sum_k exp(...) never falls. With psi = 0 this is the textbook algorithm, equal to scikit-learn's.
The formulas are those of scikit-learn's `_gaussian_mixture.py` in this layout; the rounding variance follows Sheppard's
q^2 / 12.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky

from warehouse_seg.model import CovarianceType, SegmentModel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """A mixture in standardised units: weights (K,), means (K, D), covariances (K, D, D)."""

    weights: Array
    means: Array
    covariances: Array

    @property
    def smallest_eigenvalue(self) -> float:
        """Of all covariances; near zero where a component has collapsed onto few values."""
        return float(np.linalg.eigvalsh(self.covariances).min())


@dataclass(frozen=True)
class Fit:
    """Where an ascent ended: parameters, objective (a sum over `customers`), passes made, and whether it converged."""

    parameters: Parameters
    objective: float
    customers: int
    passes: int
    converged: bool


def parameters_of(model: SegmentModel) -> Parameters:
    """The parameters of a stored model, in the order of its components."""
    return Parameters(
        np.array([component.weight for component in model.components]),
        np.array([component.mean for component in model.components]),
        np.array([component.covariance for component in model.components]),
    )


def moments_of(z: Array, psi: Array | None = None) -> Array:
    """Standardised features (n, D) and rounding variances (n, D) → moments (n, 1 + D + D (D + 1) / 2)."""
    count, size = z.shape
    rows, columns = np.triu_indices(size)
    products = z[:, rows] * z[:, columns]
    if psi is not None:
        products[:, rows == columns] += psi
    return np.hstack([np.ones((count, 1)), z, products])


def log_joint(moments: Array, parameters: Parameters) -> Array:
    """Moments (n, P) → ln w_k + E ln N(z | m_k, S_k), (K, n), as one matrix product.

    Raises numpy.linalg.LinAlgError where a covariance is not positive definite.
    """
    return _natural_parameters(parameters) @ moments.T


def expectation(moments: Array, parameters: Parameters) -> tuple[Array, float]:
    """Responsibilities (K, n) and the objective, the sum over customers of ln sum_k exp(log_joint)."""
    joint = log_joint(moments, parameters)
    # In place and a component at a time: scipy's logsumexp took 5 times as long.
    largest = joint.max(axis=0)
    joint -= largest
    np.exp(joint, out=joint)
    total = joint.sum(axis=0)
    joint /= total
    return joint, float((largest + np.log(total)).sum())


def maximization(sums: Array, covariance_type: CovarianceType, regularization: float) -> Parameters:
    """Sums of moments per component (K, P) → the parameters that maximise the expected log likelihood.

    regularization: added to the diagonals; 0 leaves the ascent exact
    """
    counts = np.maximum(sums[:, 0], 10 * np.finfo(float).eps)
    size = _feature_count(sums.shape[1])
    means = sums[:, 1 : size + 1] / counts[:, None]
    within = _square(sums[:, size + 1 :], size) / counts[:, None, None]
    within -= means[:, :, None] * means[:, None, :]
    covariances = _constrained(within, counts, covariance_type)
    covariances[:, range(size), range(size)] += regularization
    return Parameters(counts / counts.sum(), means, covariances)


def ascend(
    moments: Array,
    start: Parameters,
    covariance_type: CovarianceType,
    *,
    regularization: float = 0.0,
    tolerance: float = 1e-5,
    passes: int = 500,
) -> Fit:
    """EM from `start` until the objective gains less than `tolerance` nats per customer in a pass.

    Raises numpy.linalg.LinAlgError where a covariance stops being positive definite.
    """
    parameters = start
    responsibilities, objective = expectation(moments, parameters)
    for done in range(1, passes + 1):
        proposed = maximization(responsibilities @ moments, covariance_type, regularization)
        responsibilities, gained = expectation(moments, proposed)
        parameters, previous, objective = proposed, objective, gained
        if abs(objective - previous) < tolerance * len(moments):
            return Fit(parameters, objective, len(moments), done, True)
    return Fit(parameters, objective, len(moments), passes, False)


def from_responsibilities(
    moments: Array,
    responsibilities: Array,
    covariance_type: CovarianceType,
    regularization: float = 0.0,
) -> Parameters:
    """The M-step at given responsibilities (K, n): how labels of any other method become a start."""
    return maximization(responsibilities @ moments, covariance_type, regularization)


def parameter_count(components: int, size: int, covariance_type: CovarianceType) -> int:
    """Free parameters of a mixture: weights, means and covariances."""
    full = size * (size + 1) // 2
    covariance = {
        "full": components * full,
        "tied": full,
        "diag": components * size,
        "spherical": components,
    }[covariance_type]
    return components - 1 + components * size + covariance


def _natural_parameters(parameters: Parameters) -> Array:
    """(K, P): coefficients of the moments in ln w_k + ln N(z | m_k, S_k).

    ln N = -1/2 z' S^-1 z + m' S^-1 z - 1/2 (m' S^-1 m + ln det S + D ln 2 pi)
    """
    components, size = parameters.means.shape
    rows, columns = np.triu_indices(size)
    result = np.empty((components, 1 + size + len(rows)))
    for k in range(components):
        lower = cholesky(parameters.covariances[k], lower=True)
        precision = cho_solve((lower, True), np.eye(size))
        linear = precision @ parameters.means[k]
        log_determinant = 2 * np.log(np.diag(lower)).sum()
        constant = parameters.means[k] @ linear + log_determinant + size * math.log(2 * math.pi)
        result[k, 0] = np.log(parameters.weights[k]) - 0.5 * constant
        result[k, 1 : size + 1] = linear
        # An off-diagonal product stands once in the moments and twice in the quadratic form.
        result[k, size + 1 :] = np.where(rows == columns, -0.5, -1.0) * precision[rows, columns]
    return result


def _constrained(within: Array, counts: Array, covariance_type: CovarianceType) -> Array:
    """Per-component covariances (K, D, D) → what the covariance type allows, in the same shape."""
    size = within.shape[1]
    identity = np.eye(size)
    if covariance_type == "full":
        return within
    if covariance_type == "tied":
        pooled = np.einsum("k,kij->ij", counts, within) / counts.sum()
        return np.repeat(pooled[None], len(counts), axis=0)
    diagonals = np.einsum("kii->ki", within)
    if covariance_type == "spherical":
        diagonals = np.repeat(diagonals.mean(axis=1, keepdims=True), size, axis=1)
    diagonal: Array = diagonals[:, :, None] * identity
    return diagonal


def _square(triangles: Array, size: int) -> Array:
    """Upper triangles (K, D (D + 1) / 2) → symmetric matrices (K, D, D)."""
    rows, columns = np.triu_indices(size)
    result = np.empty((len(triangles), size, size))
    result[:, rows, columns] = triangles
    result[:, columns, rows] = triangles
    return result


def _feature_count(moment_count: int) -> int:
    """D from 1 + D + D (D + 1) / 2."""
    return round((math.sqrt(8 * moment_count + 1) - 3) / 2)
