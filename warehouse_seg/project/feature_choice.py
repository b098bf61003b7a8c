"""Which columns of the sample a fit takes as features, where the user named none."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.features.sample import Sample
from warehouse_seg.settings import FeatureChoice, Settings
from warehouse_seg.sql.rendering import render

ORDER_FEATURES = ("recency_days", "order_count", "average_order_value")
"""The default features of an order history. Net spend and tenure are collinear with them in logs, and the gap between
orders does not exist for the half of the customers that bought once."""


COMMON_CATEGORY = 0.5
"""A category that fewer customers ever bought is no feature: its column is mostly one value, zero."""


def choose_features(sample: Sample, settings: Settings) -> Sequence[FeatureChoice]:
    """The features that the user named, else the sensible ones among the columns.

    Of an order history: recency, order count, average order value, the categories that most customers bought, and the
    user's extra features; of a ready table: every numeric column.
    """
    if settings.model.features is not None:
        return settings.model.features
    names = [name for name in sample.columns if name != settings.model.weight]
    if settings.transactions is not None:
        history = set(render("seg_rfm_features").split())
        names = [
            name
            for name in names
            if name in ORDER_FEATURES
            or (name not in history and not name.startswith(("spend_", "share_")))
            or _is_common_spend(name, sample)
        ]
    return [FeatureChoice(name=name) for name in names]


def _is_common_spend(name: str, sample: Sample) -> bool:
    own = {f"spend_{category.column_suffix}" for category in sample.categories}
    return name in own and float((sample.columns[name] > 0).mean()) >= COMMON_CATEGORY
