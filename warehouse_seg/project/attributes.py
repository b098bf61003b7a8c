"""A column that is known of customers from elsewhere, counted by segment and tier in the warehouse."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import features_query
from warehouse_seg.registry.rows import Row
from warehouse_seg.sql.rendering import render_statement
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse

MOST_VALUES = 50
"""More are no groups of customers but a measure or a name."""


@dataclass(frozen=True)
class Attribute:
    """A column of a relation that is keyed by customer_id."""

    name: str
    relation: str
    column: str


def attribute(warehouse: Warehouse, session: Session, name: str) -> Attribute:
    """COLUMN of the features, MODEL.COLUMN or SOURCE.TABLE.COLUMN.

    Raises UsageError where there is none, or where its relation has not one row per customer_id.
    """
    *place, column = name.split(".")
    relation = _relation(session, place)
    types = warehouse.column_types(f"select * from {relation}")
    for wanted in (column, "customer_id"):
        if wanted not in types:
            raise UsageError(
                f"{name}: {relation} has no column {wanted}{nearest(wanted, types)} (it has {', '.join(types)}). "
                "Name a column as COLUMN of the features, MODEL.COLUMN or SOURCE.TABLE.COLUMN, in a relation with "
                "one row per customer_id"
            )
    select = f"select * from {relation}"
    (shape,) = warehouse.rows(questions.attribute_shape(select, column, warehouse.dialect))
    if shape["repeated"]:
        raise UsageError(
            f"{name}: {relation} has {shape['repeated']:,} more rows than customers, needed one row per customer_id"
        )
    if not 2 <= shape["number_of_values"] <= MOST_VALUES:
        raise UsageError(
            f"{name}: found {shape['number_of_values']:,} different values, needed 2 to {MOST_VALUES} groups of "
            "customers. Bin it in a model of your own first"
        )
    return Attribute(name, relation, column)


def counts(
    warehouse: Warehouse, session: Session, model: SegmentModel, known: Attribute
) -> list[Row]:
    """All customers by attribute (None where unknown), segment_key and action_tier, scored under the model."""
    features = features_query(warehouse, session, model.categories)
    limit = session.settings.model.missing_patterns
    return warehouse.rows(
        render_statement(
            "attribute_counts",
            model=model.to_macro(missing_patterns(warehouse, model.features, features, limit)),
            features=features,
            tiers=session.settings.tiers.model_dump(),
            relation=known.relation,
            column=known.column,
            dialect=warehouse.dialect,
        )
    )


def _relation(session: Session, place: list[str]) -> str:
    """The relation of [], [model] or [source, table]."""
    if not place:
        return session.manifest.relation("seg_customer_features")
    if len(place) > 2:
        raise UsageError(
            f"found {'.'.join(place)!r}; name a column as COLUMN, MODEL.COLUMN or SOURCE.TABLE.COLUMN"
        )
    wanted = place[0] if len(place) == 1 else (place[0], place[1])
    return session.manifest.input_relation(wanted)
