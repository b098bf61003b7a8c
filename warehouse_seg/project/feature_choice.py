"""Which columns of the sample a fit takes as features, where the user named none."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.features.category_information import informative_categories
from warehouse_seg.features.feature_sets import FeatureSet, named_features, order_history_sets
from warehouse_seg.features.sample import Sample
from warehouse_seg.settings import FeatureChoice, Settings
from warehouse_seg.sql.rendering import render

ORDER_FEATURES = ("recency_days", "order_count", "average_order_value")
"""The default features of an order history. Net spend and tenure are collinear with them in logs, and the gap between
orders does not exist for the half of the customers that bought once."""


def choose_features(sample: Sample, settings: Settings) -> Sequence[FeatureChoice]:
    """The features that the user named, else the sensible ones among the columns, for a fit without predictions.

    Of an order history: recency, order count, average order value, the categories that tell customers apart, and the
    user's extra features; of a ready table: every numeric column.
    """
    if settings.model.features is not None:
        return settings.model.features
    names = [name for name in sample.columns if name != settings.model.weight]
    if settings.transactions is not None:
        own = {f"spend_{category.column_suffix}" for category in informative_categories(sample)}
        extra = extra_columns(sample, settings)
        names = [name for name in names if name in (*ORDER_FEATURES, *own, *extra)]
    return [FeatureChoice(name=name) for name in names]


def competing_sets(sample: Sample, settings: Settings) -> list[FeatureSet]:
    """The feature sets of which the one that predicts best is taken: the user's own, else those of an order history.

    Without those that the column of weights would be in; none is left where it is in all of them.
    """
    if settings.model.features is not None:
        return [named_features(settings.model.features)]
    sets = order_history_sets(sample)
    return [own for own in sets if settings.model.weight not in own.column_names]


def extra_columns(sample: Sample, settings: Settings) -> list[str]:
    """The columns of the user's extra features."""
    history = set(render("seg_rfm_features").split())
    return [
        name
        for name in sample.columns
        if name not in history
        and name != settings.model.weight
        and not name.startswith(("spend_", "share_"))
    ]
