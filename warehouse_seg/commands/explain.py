"""Explains one customer: reads its row of the wide features and says why the active model puts it where it does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import features_query
from warehouse_seg.project.scored_version import due_build, scored_version
from warehouse_seg.segments.explanation import Explanation
from warehouse_seg.segments.explanation import explain as explain_values
from warehouse_seg.segments.given_names import with_given_names
from warehouse_seg.settings import Tiers
from warehouse_seg.sql.rendering import render_statement
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse


@dataclass(frozen=True)
class ExplainedCustomer:
    """One customer under the active model.

    action_tier: as in seg_customer_segments, by the project's `tiers`
    scored_version: what the tables were scored with, None before the first build
    warnings: where that is not the active version, which explains
    """

    customer_id: str
    as_of_date: str
    model_version: int
    action_tier: str
    explanation: Explanation
    scored_version: int | None
    warnings: list[str]


def explain(project: DbtProject, customer: str) -> ExplainedCustomer:
    """Why this customer is in its segment.

    customer: the key as text, whatever its type in the warehouse
    Raises UsageError where no model is active, the features are not built, or they have no such customer.
    """
    session = Session.for_reading(project)
    with project.warehouse(read_only=True) as warehouse:
        model = session.registry(warehouse).stored(None)
        query = features_query(warehouse, session, model.categories)
        row = _row_of(warehouse, query, customer)
        scored = scored_version(warehouse, session.manifest)
    model = with_given_names(model, session.settings.segment_names)
    explanation = explain_values(model, _values(row, model))
    due = due_build(model.model_version, scored)
    return ExplainedCustomer(
        customer_id=str(row["customer_id"]),
        as_of_date=str(row["as_of_date"]),
        model_version=model.model_version,
        action_tier=_action_tier(explanation, session.settings.tiers),
        explanation=explanation,
        scored_version=scored,
        warnings=[] if due is None else [due],
    )


def _row_of(warehouse: Warehouse, query: str, customer: str) -> dict[str, Any]:
    rows = warehouse.rows(
        render_statement(
            "explained_customer", features=query, customer=customer, dialect=warehouse.dialect
        )
    )
    if not rows:
        raise UsageError(
            f"found no customer {customer!r} in the features, needed a customer_id as seg_customer_segments shows it"
            f"{_example(warehouse, query)}. Who never bought, or only after `as_of_date`, has no row"
        )
    return rows[0]


def _example(warehouse: Warehouse, query: str) -> str:
    """A key that there is; nothing where there is nobody."""
    (row,) = warehouse.rows(questions.least_customer(query, warehouse.dialect))
    return "" if row["customer_id"] is None else f", such as {row['customer_id']!r}"


def _values(row: Mapping[str, Any], model: SegmentModel) -> dict[str, float]:
    """The model's columns as numbers, NaN where there is none."""
    present = {name.lower(): value for name, value in row.items()}
    lacking = [name for name in model.column_names if name.lower() not in present]
    if lacking:
        raise UsageError(
            f"the features lack {', '.join(lacking)}, needed by model version {model.model_version}. If the column is "
            "one of your own (feature_table, extra_features), bring it back, or fit without it: "
            "`warehouse-seg fit --reselect`"
        )
    values = {name: present[name.lower()] for name in model.column_names}
    return {name: math.nan if value is None else float(value) for name, value in values.items()}


def _action_tier(explanation: Explanation, tiers: Tiers) -> str:
    top, *others = explanation.memberships
    if top.membership >= tiers.dominant:
        return "dominant"
    return "hybrid" if others and others[0].membership >= tiers.hybrid else "exploratory"
