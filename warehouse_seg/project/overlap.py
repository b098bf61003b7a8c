"""All customers scored under two models: who moved where."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import features_query
from warehouse_seg.project.numeric_columns import numeric_columns
from warehouse_seg.segments.overlap import overlap_sql, overlap_table
from warehouse_seg.warehouse.connection import Warehouse

Array = NDArray[np.float64]
Row = dict[str, Any]


def count_overlap(
    warehouse: Warehouse, session: Session, old: SegmentModel, new: SegmentModel
) -> Array:
    """All customers by their top segment under both models, (K_old, K_new), each scored with its own categories.

    Zeros where the features lack one that the old model needs: then nobody can be scored under both.
    """
    queries = [features_query(warehouse, session, model.categories) for model in (old, new)]
    rows: list[Row] = []
    if set(old.column_names) <= set(numeric_columns(warehouse.column_types(queries[0]))):
        limit = session.settings.model.missing_patterns
        patterns = [
            missing_patterns(warehouse, model.features, query, limit)
            for model, query in zip((old, new), queries, strict=True)
        ]
        rows = warehouse.rows(
            overlap_sql(
                old,
                queries[0],
                new,
                queries[1],
                warehouse.dialect,
                old_patterns=patterns[0],
                new_patterns=patterns[1],
            )
        )
    return overlap_table(old, new, rows)
