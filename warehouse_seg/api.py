"""Fitting from Python, on a table in memory: what the command line does on a sample of the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.settings import settings_from


def fit(
    table: pd.DataFrame | Mapping[str, Any],
    features: Sequence[str | Mapping[str, Any]] | None = None,
    **settings: Any,
) -> SegmentModel:
    """A mixture fitted on `table`, one row per customer.

    table: a DataFrame or a mapping of name → values
    features: names, or {name, transform, clip}; every numeric column when left out
    settings: what stands under `model:` in the configuration: segments, covariance, seed, min_segment_share
    Raises UsageError for columns that cannot be used, Refused where every candidate is degenerate.

        model = warehouse_seg.fit(customers, ["recency_days", "order_count"], segments={"min": 2, "max": 6})
        print(model.score_sql("analytics.customer_features", "snowflake"))
    """
    columns = {name: np.asarray(values) for name, values in dict(table).items()}
    numeric = {name: values for name, values in columns.items() if values.dtype.kind in "iuf"}
    chosen = list(features) if features is not None else list(numeric)
    model = settings_from({"model": {**settings, "features": chosen}}).model
    assert model.features is not None  # noqa: S101 - given one line above
    floats = {
        name: values.astype(float) if values.dtype.kind in "iuf" else values
        for name, values in columns.items()
    }
    rows = len(next(iter(floats.values())))
    return fit_model(Sample(floats, rows), model.features, model)
