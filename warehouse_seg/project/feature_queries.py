"""The wide features as queries: of today for any version's categories, and as they were on an earlier day.

Reading them changes no table: what a fit tries, and is perhaps refused, leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.dbt.manifest import Manifest
from warehouse_seg.errors import UsageError
from warehouse_seg.model.feature import Category
from warehouse_seg.project.context import Session
from warehouse_seg.project.numeric_columns import is_numeric
from warehouse_seg.sql.rendering import render, render_statement
from warehouse_seg.warehouse.connection import Warehouse

Array = NDArray[np.float64]


Row = dict[str, Any]


def features_query(warehouse: Warehouse, session: Session, categories: Sequence[Category]) -> str:
    """The wide features for these categories, as a query."""
    manifest, settings = session.manifest, session.settings
    if settings.feature_table is not None:
        return f"select * from {built_relation(warehouse, manifest, 'seg_customer_features')}"
    extra_relation, extra_columns = None, []
    if settings.extra_features is not None:
        extra_relation = manifest.relation_read("seg_customer_features", settings.extra_features)
        types = warehouse.column_types(f"select * from {extra_relation}")
        extra_columns = [
            n for n, kind in types.items() if is_numeric(kind) and n.lower() != "customer_id"
        ]
    return render(
        "seg_wide_features",
        built_relation(warehouse, manifest, "seg_customer_rfm"),
        built_relation(warehouse, manifest, "seg_customer_category_spend"),
        [category.model_dump() for category in categories],
        warehouse.dialect,
        extra_relation,
        extra_columns,
    )


def past_features_query(
    warehouse: Warehouse, session: Session, categories: Sequence[Category], as_of_date: str
) -> str:
    """The wide features as they were on an earlier day (YYYY-MM-DD), as a query over the order lines.

    `extra_features` are not among them: nobody knows their values of that day.
    """
    return render(
        "seg_past_features",
        built_relation(warehouse, session.manifest, "stg_seg__transactions"),
        session.settings.columns.category is not None,
        [category.model_dump() for category in categories],
        as_of_date,
        warehouse.dialect,
    )


def past_columns(categories: Sequence[Category]) -> list[str]:
    """The names of the features that `past_features_query` gives for these categories."""
    suffixes = [*(c.column_suffix for c in categories), *(["other"] if categories else [])]
    of_categories = [f"{kind}_{suffix}" for suffix in suffixes for kind in ("spend", "share")]
    return [*render("seg_rfm_features").split(), *of_categories]


def followed_features_query(
    warehouse: Warehouse,
    session: Session,
    categories: Sequence[Category],
    as_of_date: str,
    until: str,
) -> str:
    """The same with what every customer did from that day on: columns next_order_count and next_net_spend.

    until: the exclusive end of the orders that are seen
    """
    lines = built_relation(warehouse, session.manifest, "stg_seg__transactions")
    later = (
        f"(select * from {lines} where cast(ordered_at as date) >= date '{as_of_date}') as later"
    )
    return render_statement(
        "followed_features",
        features=past_features_query(warehouse, session, categories, as_of_date),
        later=render("seg_customer_history", later, until, None, warehouse.dialect),
    )


def built_relation(warehouse: Warehouse, manifest: Manifest, model: str) -> str:
    """The name of a feature table. Raises UsageError where it is not built yet."""
    relation = manifest.relation(model)
    if not warehouse.has_relation(relation):
        raise UsageError(
            f"found no table {relation}: the features are not built yet. Run "
            "`dbt build`, or `warehouse-seg run`, which does it first"
        )
    return relation
