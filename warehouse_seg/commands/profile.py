"""The profile: who each segment is, what it brings, and what to do about it, read from the tables for BI."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.project.context import Session
from warehouse_seg.segments.recommendations import Measure, suggestion
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse

TABLES = {"segments": "seg_segments", "profiles": "seg_segment_profiles"}
BUILD = "Run `dbt build --select seg_customer_scores+`, or `warehouse-seg run`, which fits a model where there is none"


@dataclass(frozen=True)
class SegmentProfile:
    """One segment.

    measures: rows of seg_segment_profiles, the most distinctive first
    suggested_action: None where no rule fits; because: what it goes by (see segments/recommendations.py)
    """

    segment_key: str
    segment_name: str
    description: str
    customers: int
    customer_share: float
    expected_customers: float
    revenue: float | None
    revenue_share: float | None
    measures: list[dict[str, Any]]
    suggested_action: str | None
    because: str


@dataclass(frozen=True)
class Profile:
    """All segments of the model that scored the customers, the largest first; warnings: of that model."""

    model_version: int
    customers: int
    segments: list[SegmentProfile]
    warnings: list[str]


def profile(project: DbtProject) -> Profile:
    """The profile of the segments as the last build left them.

    Raises UsageError where the tables are not built, hold nobody, or were built by an older version of the package.
    """
    session = Session.start(project)
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
        warnings = session.registry(warehouse).warnings(version)
    return Profile(
        model_version=version,
        customers=customers,
        segments=[_segment_profile(segment, measures) for segment in segments],
        warnings=warnings,
    )


def _require(warehouse: Warehouse, relations: dict[str, str]) -> None:
    for name, relation in relations.items():
        if not warehouse.has_relation(relation):
            raise UsageError(f"found no table {relation}: nobody has a segment yet. {BUILD}")
        present = warehouse.column_types(f"select * from {relation}")
        newest = {"segments": "revenue_share", "profiles": "distinctiveness_rank"}[name]
        if newest not in present:
            raise UsageError(
                f"{relation} has no column {newest}: an older version of the package built it. {BUILD}"
            )


def _segment_profile(segment: dict[str, Any], measures: list[dict[str, Any]]) -> SegmentProfile:
    own = [
        _without("segment_key", row)
        for row in measures
        if row["segment_key"] == segment["segment_key"]
    ]
    advice = suggestion(
        {
            row["feature"]: Measure(_or_nan(row["mean"]), _or_nan(row["index_vs_population"]))
            for row in own
        }
    )
    return SegmentProfile(
        **_without("model_version", segment),
        measures=own,
        suggested_action=advice.action,
        because=advice.reason,
    )


def _without(column: str, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != column}


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
