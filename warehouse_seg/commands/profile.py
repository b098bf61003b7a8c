"""The profile: who each segment is, what it brings, and what to do about it, read from the tables for BI."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.model.forecast import ModelForecast, SegmentForecast
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.scored_version import due_build
from warehouse_seg.segments.given_names import unknown_keys_warning
from warehouse_seg.segments.recommendations import Measure, suggestion
from warehouse_seg.segments.traits import traits
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse

TABLES = {"segments": "seg_segments", "profiles": "seg_segment_profiles"}
BUILD = "Run `dbt build`, or `warehouse-seg run`, which fits a model where there is none"


@dataclass(frozen=True)
class SegmentProfile:
    """One segment.

    customers, customer_share: counted by top segment; expected_customers, expected_share: by membership, as revenue is
    revenue_per_customer: revenue over expected_customers
    measures: rows of seg_segment_profiles, the most distinctive first
    suggested_action: None where no rule fits; because: what it goes by (see segments/recommendations.py)
    forecast: what its customers did in time that the model had not seen; None where that was not measured
    """

    segment_key: str
    segment_name: str
    description: str
    customers: int
    customer_share: float
    expected_customers: float
    expected_share: float
    revenue: float | None
    revenue_share: float | None
    revenue_per_customer: float | None
    measures: list[dict[str, Any]]
    suggested_action: str | None
    because: str
    forecast: SegmentForecast | None = None


@dataclass(frozen=True)
class Profile:
    """All segments of the model that scored the customers, the largest first.

    forecast: how well they predict time that the model had not seen, and of which days that was measured
    warnings: on that model and its names, and where another version is active
    """

    model_version: int
    customers: int
    segments: list[SegmentProfile]
    forecast: ModelForecast | None
    warnings: list[str]


def profile(project: DbtProject) -> Profile:
    """The profile of the segments as the last build left them.

    Raises UsageError where the tables are not built, hold nobody, or were built by an older version of the package.
    """
    session = Session.for_reading(project)
    relations = {name: session.manifest.relation(model) for name, model in TABLES.items()}
    with project.warehouse(read_only=True) as warehouse:
        _require(warehouse, relations)
        selects = {name: f"select * from {relation}" for name, relation in relations.items()}
        dialect = warehouse.dialect
        segments = warehouse.rows(questions.profiled_segments(selects["segments"], dialect))
        measures = warehouse.rows(questions.profiled_measures(selects["profiles"], dialect))
        customers = sum(row["customers"] for row in segments)
        if not customers:
            raise UsageError(f"found no customer in {relations['segments']}. {BUILD}")
        version = segments[0]["model_version"]
        registry = session.registry(warehouse)
        model = registry.stored(version)
        unknown = unknown_keys_warning(model, session.settings.segment_names)
        active = registry.active_version()
        due = None if active is None else due_build(active, version)
        said = [text for text in (unknown, due) if text is not None]
        warnings = [*registry.warnings(version), *said]
    return Profile(
        model_version=version,
        customers=customers,
        segments=[_segment_profile(segment, measures, model) for segment in segments],
        forecast=model.training.forecast,
        warnings=warnings,
    )


def _require(warehouse: Warehouse, relations: dict[str, str]) -> None:
    for name, relation in relations.items():
        if not warehouse.has_relation(relation):
            raise UsageError(f"found no table {relation}: nobody has a segment yet. {BUILD}")
        present = warehouse.column_types(f"select * from {relation}")
        newest = {"segments": "revenue_per_customer", "profiles": "distinctiveness_rank"}[name]
        if newest not in present:
            raise UsageError(
                f"{relation} has no column {newest}: an older version of the package built it. {BUILD}"
            )


def _segment_profile(
    segment: dict[str, Any], measures: list[dict[str, Any]], model: SegmentModel
) -> SegmentProfile:
    own = [
        _without("segment_key", row)
        for row in measures
        if row["segment_key"] == segment["segment_key"]
    ]
    rows = {
        row["feature"]: Measure.of_mean(_or_nan(row["mean"]), _or_nan(row["index_vs_population"]))
        for row in own
    }
    own_traits = {
        trait.feature: Measure.of_trait(trait)
        for component in model.components
        if component.segment_key == segment["segment_key"]
        for trait in traits(model, component)
        if trait.reference is None and trait.feature in rows
    }
    advice = suggestion({**rows, **own_traits}, len(model.categories))
    return SegmentProfile(
        **_without("model_version", segment),
        measures=own,
        suggested_action=advice.action,
        because=advice.reason,
        forecast=_forecast(segment["segment_key"], model),
    )


def _forecast(key: str, model: SegmentModel) -> SegmentForecast | None:
    forecast = model.training.forecast
    if forecast is None:
        return None
    return next((own for own in forecast.segments if own.segment_key == key), None)


def _without(column: str, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != column}


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
