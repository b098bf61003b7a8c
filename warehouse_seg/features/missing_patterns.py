"""Which features are missing together: the patterns for which the scoring SQL has a branch of its own."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.errors import UsageError
from warehouse_seg.model.feature import Feature
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import Warehouse


def missing_patterns(
    warehouse: Warehouse, model_features: Sequence[Feature], features: str, limit: int
) -> list[list[str]]:
    """The sets of features that some customers lack, each by names, the most frequent first.

    model_features: of a model, or of one that is to be fitted
    features: the wide features, as a select; limit: how many are allowed, `model.missing_patterns`
    Raises UsageError where there are more.
    """
    query = render(
        "seg_count_patterns",
        {"features": [feature.to_macro() for feature in model_features]},
        f"({features}) as features",
        limit + 1,
        warehouse.dialect,
    )
    flags = [row["missing"].removeprefix("missing ") for row in warehouse.rows(query)]
    patterns = [
        [f.feature for f, flag in zip(model_features, row, strict=True) if flag == "1"]
        for row in flags
    ]
    if len(patterns) > limit:
        raise UsageError(too_many_patterns(patterns, limit))
    return patterns


def too_many_patterns(patterns: list[list[str]], allowed: int) -> str:
    """What to do where features are missing in more combinations than are allowed."""
    often = sorted({n for p in patterns for n in p}, key=lambda n: -sum(n in p for p in patterns))
    return (
        f"features are missing in more than {allowed} combinations, most often {', '.join(often[:3])}, and each "
        "takes a branch of the scoring SQL. Leave such a feature out of `model.features`, fill it in a feature model "
        "of your own, or raise `model.missing_patterns`"
    )
