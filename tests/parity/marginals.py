"""The mixture of the features that were measured, by SciPy: what SQL and arrays are compared with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from warehouse_seg.model.segment_model import SegmentModel

Array = NDArray[np.float64]


def marginal_log_joint(model: SegmentModel, columns: Mapping[str, Array]) -> Array:
    """ln w_k + ln N(z_o | m_o, covariance_oo), (n, K), one customer at a time.

    columns: feature → raw values (n,), NaN where nothing was measured
    """
    z = model.standardized(columns)
    return np.array(
        [[_log_joint(model, k, row) for k in range(len(model.components))] for row in z]
    )


def _log_joint(model: SegmentModel, k: int, z: Array) -> float:
    component, places = model.components[k], np.flatnonzero(~np.isnan(z))
    log_weight = float(np.log(component.weight))
    if not len(places):
        return log_weight
    mean = np.array(component.mean)[places]
    covariance = np.array(component.covariance)[np.ix_(places, places)]
    return log_weight + float(multivariate_normal(mean, covariance).logpdf(z[places]))
