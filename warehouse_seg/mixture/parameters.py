"""The parameters of a mixture, and what the steps of EM read of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.gaussian import log_joint_coefficients
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.values import CovarianceType

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


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


def parameters_of(model: SegmentModel) -> Parameters:
    """The parameters of a stored model, in the order of its components."""
    return Parameters(
        np.array([component.weight for component in model.components]),
        np.array([component.mean for component in model.components]),
        np.array([component.covariance for component in model.components]),
    )


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


def natural_parameters(parameters: Parameters, measured: Flags) -> Array:
    """(K, P): coefficients of the sufficient statistics in ln w_k + ln N(z_o | m_o, S_oo) of what was measured."""
    components, size = parameters.means.shape
    rows, columns = np.triu_indices(size)
    result = np.zeros((components, 1 + size + len(rows)))
    for k in range(components):
        result[k, 0], result[k, 1 : size + 1], precision = log_joint_coefficients(
            parameters.weights[k], parameters.means[k], parameters.covariances[k], measured
        )
        # An off-diagonal product stands once in the statistics and twice in the quadratic form.
        result[k, size + 1 :] = np.where(rows == columns, -0.5, -1.0) * precision[rows, columns]
    return result
