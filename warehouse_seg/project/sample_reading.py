"""Reads the md5 sample of the wide features for any list of categories."""

from __future__ import annotations

import json
from typing import Any

from warehouse_seg.errors import UsageError
from warehouse_seg.features.sample import Sample
from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.model.feature import Category
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import built_relation, features_query
from warehouse_seg.project.numeric_columns import numeric_columns
from warehouse_seg.settings import ModelSettings
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse


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
    numeric = numeric_columns(types)
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


def _largest_categories(warehouse: Warehouse, session: Session) -> tuple[Category, ...]:
    if session.settings.feature_table is not None:
        return ()
    relation = built_relation(warehouse, session.manifest, "seg_customer_category_spend")
    query = render(
        "seg_largest_categories", relation, session.settings.categories, warehouse.dialect
    )
    values = [row["category"] for row in warehouse.rows(query)]
    columns: list[dict[str, Any]] = json.loads(render("seg_category_columns", values))
    return tuple(Category.model_validate(column) for column in columns)


def _refuse_texts(settings: ModelSettings, types: dict[str, str], numeric: list[str]) -> None:
    for choice in settings.features or ():
        if choice.name in types and choice.name not in numeric:
            raise UsageError(
                f"feature {choice.name} is {types[choice.name]}, not a number; a mixture takes numeric columns only. "
                "Leave it out of `model.features`, or turn it into a number in the feature model"
            )
