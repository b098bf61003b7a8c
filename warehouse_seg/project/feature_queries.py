"""The wide features as a job reads them: a query for any version's categories, a sample of it, what to fit on.

Reading them changes no table: what a fit tries, and is perhaps refused, leaves nothing behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.dbt.project import Manifest
from warehouse_seg.errors import UsageError
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.features.sample import Sample
from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.model.feature import Category
from warehouse_seg.model.segment_model import KEYS, SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.segments.overlap import overlap_sql, overlap_table
from warehouse_seg.settings import FeatureChoice, ModelSettings, Settings
from warehouse_seg.sql.rendering import render, render_statement
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse

Array = NDArray[np.float64]
Row = dict[str, Any]

ORDER_FEATURES = ("recency_days", "order_count", "average_order_value")
"""The default features of an order history. Net spend and tenure are collinear with them in logs, and the gap between
orders does not exist for the half of the customers that bought once."""

COMMON_CATEGORY = 0.5
"""A category that fewer customers ever bought is no feature: its column is mostly one value, zero."""

NUMERIC_TYPE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\b|DECIMAL|NUMERIC|DOUBLE|FLOAT|REAL")


def read_sample(
    warehouse: Warehouse, session: Session, categories: tuple[Category, ...] | None = None
) -> Sample:
    """The md5 sample of the wide features.

    categories: those with columns of their own; the largest ones now where none are given
    The tables keep the active version's columns meanwhile; those of a new version come with its first scoring.
    Raises UsageError where the features are not built yet.
    """
    model_settings = session.settings.model
    if categories is None:
        categories = _largest_categories(warehouse, session)
    relation = features_query(warehouse, session, categories)
    types = warehouse.column_types(relation)
    numeric = _numeric_columns(types)
    _refuse_texts(model_settings, types, numeric)
    (counted,) = warehouse.rows(questions.population(relation, warehouse.dialect))
    if not counted["population_rows"]:
        raise UsageError(
            "found no customer in seg_customer_features, needed some to fit on. Is the relation in `transactions` "
            "(or `feature_table`) filled, and `as_of_date` after its first order?"
        )
    sampled = warehouse.arrays(
        sample_sql(
            relation, numeric, model_settings.sample_size, model_settings.seed, warehouse.dialect
        )
    )
    return Sample(
        {name: sampled[name] for name in numeric},
        counted["population_rows"],
        str(counted["as_of_date"]),
        categories,
    )


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


def count_overlap(
    warehouse: Warehouse, session: Session, old: SegmentModel, new: SegmentModel
) -> Array:
    """All customers by their top segment under both models, (K_old, K_new), each scored with its own categories.

    Zeros where the features lack one that the old model needs: then nobody can be scored under both.
    """
    queries = [features_query(warehouse, session, model.categories) for model in (old, new)]
    rows: list[Row] = []
    if set(old.column_names) <= set(_numeric_columns(warehouse.column_types(queries[0]))):
        limit = session.settings.model.missing_patterns
        patterns = [
            missing_patterns(warehouse, model, query, limit)
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


def features_query(warehouse: Warehouse, session: Session, categories: Sequence[Category]) -> str:
    """The wide features for these categories, as a query."""
    manifest, settings = session.manifest, session.settings
    if settings.feature_table is not None:
        return f"select * from {_built(warehouse, manifest, 'seg_customer_features')}"
    extra_relation, extra_columns = None, []
    if settings.extra_features is not None:
        extra_relation = manifest.input_relation(settings.extra_features)
        types = warehouse.column_types(f"select * from {extra_relation}")
        extra_columns = [
            n for n, kind in types.items() if _is_numeric(kind) and n.lower() != "customer_id"
        ]
    return render(
        "seg_wide_features",
        _built(warehouse, manifest, "seg_customer_rfm"),
        _built(warehouse, manifest, "seg_customer_category_spend"),
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
    lines = _built(warehouse, session.manifest, "stg_seg__transactions")
    by_category = f"({render('seg_history_by_category', lines, as_of_date, warehouse.dialect)}) as by_category"
    spread = by_category if session.settings.columns.category is not None else None
    history = render("seg_customer_history", lines, as_of_date, spread, warehouse.dialect)
    return render(
        "seg_wide_features",
        f"({history}) as history",
        by_category,
        [category.model_dump() for category in categories],
        warehouse.dialect,
    )


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
    lines = _built(warehouse, session.manifest, "stg_seg__transactions")
    later = (
        f"(select * from {lines} where cast(ordered_at as date) >= date '{as_of_date}') as later"
    )
    return render_statement(
        "followed_features",
        features=past_features_query(warehouse, session, categories, as_of_date),
        later=render("seg_customer_history", later, until, None, warehouse.dialect),
    )


def _largest_categories(warehouse: Warehouse, session: Session) -> tuple[Category, ...]:
    if session.settings.feature_table is not None:
        return ()
    relation = _built(warehouse, session.manifest, "seg_customer_category_spend")
    query = render(
        "seg_largest_categories", relation, session.settings.categories, warehouse.dialect
    )
    values = [row["category"] for row in warehouse.rows(query)]
    columns: list[dict[str, Any]] = json.loads(render("seg_category_columns", values))
    return tuple(Category.model_validate(column) for column in columns)


def _built(warehouse: Warehouse, manifest: Manifest, model: str) -> str:
    relation = manifest.relation(model)
    if not warehouse.has_relation(relation):
        raise UsageError(
            f"found no table {relation}: the features are not built yet. Run "
            "`dbt build --select +seg_customer_features`, or `warehouse-seg run`, which does it first"
        )
    return relation


def _numeric_columns(types: Mapping[str, str]) -> list[str]:
    names = [name for name in types if name not in KEYS]
    return [name for name in names if _is_numeric(types[name])]


def _is_numeric(sql_type: str) -> bool:
    return NUMERIC_TYPE.match(sql_type.upper()) is not None and not sql_type.endswith("[]")


def _refuse_texts(settings: ModelSettings, types: dict[str, str], numeric: list[str]) -> None:
    for choice in settings.features or ():
        if choice.name in types and choice.name not in numeric:
            raise UsageError(
                f"feature {choice.name} is {types[choice.name]}, not a number; a mixture takes numeric columns only. "
                "Leave it out of `model.features`, or turn it into a number in the feature model"
            )


def _is_common_spend(name: str, sample: Sample) -> bool:
    own = {f"spend_{category.column_suffix}" for category in sample.categories}
    return name in own and float((sample.columns[name] > 0).mean()) >= COMMON_CATEGORY
