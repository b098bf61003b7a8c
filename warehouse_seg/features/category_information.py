"""Which categories tell customers apart: those that may be features, and that a name may speak of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.features.sample import Sample
from warehouse_seg.features.treatment import treated_feature
from warehouse_seg.model.feature import Category
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]

COMMON_CATEGORY = 0.5
"""A category that fewer customers ever bought is no feature: its column is mostly one value, zero."""

NEARLY_ALL = 0.95
"""Share of the money from which on a category is the shop."""

NEAR_COPY = 0.98
"""Share of the variance of ln(spend in a category) that ln(net spend) explains, from which on it is a copy."""


def informative_categories(sample: Sample) -> list[Category]:
    """The categories that can be default features, in their order: the largest by net spend first.

    Without `unknown` and the like, without one that has nearly all the money or that less than half of the customers
    ever bought, and without near-copies of net spend: a shop of one category has none.
    """
    columns = sample.columns
    return [
        category
        for category in sample.categories
        if not category.is_miscellaneous and _tells_apart(category, columns)
    ]


def _tells_apart(category: Category, columns: dict[str, Array]) -> bool:
    spend = columns.get(f"spend_{category.column_suffix}")
    net_spend = columns.get("net_spend")
    if spend is None or net_spend is None or float((spend > 0).mean()) < COMMON_CATEGORY:
        return False
    total = float(np.maximum(net_spend, 0).sum())
    return float(spend.sum()) < NEARLY_ALL * total and not _is_copy(category, columns)


def _is_copy(category: Category, columns: dict[str, Array]) -> bool:
    names = (f"spend_{category.column_suffix}", "net_spend")
    features = [treated_feature(FeatureChoice(name=name), columns, {}) for name in names]
    spend, net_spend = (f.standardized(f.measured(columns)) for f in features)
    # Both have mean 0 and variance 1.
    return float((spend * net_spend).mean()) ** 2 >= NEAR_COPY
