"""Models for the benchmarks: fitted by scikit-learn on a sample, in the treatment that `fit` gives by default."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from tools.benchmarks.measuring import Connection
from warehouse_seg.features.preparation import prepare
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.sklearn_mixture import from_sklearn
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]

SAMPLE_ROWS = 20_000


def fitted_model(
    connection: Connection, relation: str, features: Sequence[str], segments: int
) -> SegmentModel:
    """Segments with full covariances over these features, fitted on customers of whom all were measured."""
    known = " and ".join(f"{name} is not null" for name in features)
    sample = connection.execute(
        f"select {', '.join(features)} from {relation} where {known} "
        f"order by md5(cast(customer_id as varchar)) limit {SAMPLE_ROWS}"
    ).fetchnumpy()
    columns = {name: np.asarray(sample[name], dtype=float) for name in features}
    prepared = prepare(columns, [FeatureChoice(name=name) for name in features])
    # A floor under the variances: on the exact values of one-time buyers segments collapse to points.
    mixture = GaussianMixture(segments, reg_covar=0.05, max_iter=200, random_state=1)
    return from_sklearn(mixture.fit(prepared.z), prepared.features)


def as_mixture(model: SegmentModel) -> GaussianMixture:
    """The same model as scikit-learn's object, without another fit."""
    parts = model.components
    mixture = GaussianMixture(len(parts))
    mixture.weights_ = np.array([part.weight for part in parts])
    mixture.means_ = np.array([part.mean for part in parts])
    mixture.covariances_ = np.array([part.covariance for part in parts])
    mixture.precisions_cholesky_ = np.array([part.precision_cholesky for part in parts])
    return mixture


def without(model: SegmentModel, missing: str) -> SegmentModel:
    """The mixture over the other features: what scores a customer of whom that one was not measured."""
    places = [place for place, name in enumerate(model.feature_names) if name != missing]
    components = tuple(
        part.from_covariance(
            part.segment_key,
            part.weight,
            np.array(part.mean)[places],
            np.array(part.covariance)[np.ix_(places, places)],
            part.segment_name,
        )
        for part in model.components
    )
    return SegmentModel(
        covariance_type=model.covariance_type,
        features=tuple(model.features[place] for place in places),
        components=components,
    )
