"""Who moved where: customers counted by their top segments under two models, in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.sql.rendering import render_statement

Array = NDArray[np.float64]


def overlap_sql(
    old: SegmentModel,
    old_features: str,
    new: SegmentModel,
    new_features: str,
    dialect: str,
    *,
    old_patterns: Sequence[Sequence[str]] = (),
    new_patterns: Sequence[Sequence[str]] = (),
) -> str:
    """The query of `previous_segment_key`, `segment_key`, `customers`: all customers' top segments under both models.

    old_features, new_features: the wide features, each with the categories of its model, as selects
    old_patterns, new_patterns: the sets of missing features that occur in them
    """
    return render_statement(
        "segment_overlap",
        previous=old.to_macro(old_patterns),
        previous_features=old_features,
        model=new.to_macro(new_patterns),
        features=new_features,
        dialect=dialect,
    )


def overlap_table(old: SegmentModel, new: SegmentModel, rows: Iterable[Mapping[str, Any]]) -> Array:
    """The rows of `overlap_sql` as customers by old segment (rows) and new segment (columns), (K_old, K_new)."""
    places = [
        {component.segment_key: k for k, component in enumerate(model.components)}
        for model in (old, new)
    ]
    table = np.zeros((len(places[0]), len(places[1])))
    for row in rows:
        place = places[0][row["previous_segment_key"]], places[1][row["segment_key"]]
        table[place] = row["customers"]
    return table
