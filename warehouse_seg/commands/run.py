"""The whole job in one command: features, a fit where no model is active yet, segments."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from warehouse_seg.commands.fit import Options, fit
from warehouse_seg.dbt.manifest import PACKAGE
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import SegError
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.project.context import Session
from warehouse_seg.project.order_line_warnings import order_line_warnings
from warehouse_seg.warehouse import questions


@dataclass(frozen=True)
class Summary:
    """What a run left in the warehouse.

    segments: rows of seg_segments, with each segment's share of the customers; tiers: action tier → customers
    warnings: of the active model, of the order lines, then of dbt's data tests
    """

    model_version: int
    customers: int
    as_of_date: str
    segments: list[dict[str, Any]]
    tiers: dict[str, int]
    warnings: list[str]
    seconds: float


def run(
    project: DbtProject,
    *,
    registry_name: str | None = None,
    with_parents: bool = False,
    emit: Emit = silent,
) -> Summary:
    """Build the features, fit where there is no active model, build the segments.

    with_parents: build and test everything that the package reads; by default only what the warehouse lacks
    Raises DbtFailed where a model or a test failed, UsageError, Refused.
    """
    began = time.monotonic()
    selection = "+seg_customer_features"
    if not with_parents:
        selection = " ".join([f"{selection},package:{PACKAGE}", *_missing_parents(project, emit)])
    with _timed(emit, "features built and tested"):
        project.build(selection)
    warnings = project.warnings()
    session = Session.after_dbt(project)
    active = _active_version(session)
    if active is None:
        with _timed(emit, "model fitted"):
            fit(project, Options(registry_name=registry_name), session=session, emit=emit)
    else:
        emit(Event.step(f"model version {active} is active, not fitted anew"))
    with _timed(emit, "segments built and tested"):
        project.build(f"seg_customer_scores+,package:{PACKAGE}")
    # A test of the features warns in both builds.
    warnings = list(dict.fromkeys([*_stored_warnings(session), *warnings, *project.warnings()]))
    for text in warnings:
        emit(Event.warning(text))
    return _summary(project, warnings, time.monotonic() - began)


def _missing_parents(project: DbtProject, emit: Emit) -> list[str]:
    """What the package reads and the warehouse lacks, as dbt selects it."""
    manifest = Session.for_reading(project).manifest
    with project.warehouse() as warehouse:
        missing = manifest.missing_parents(warehouse.has_relation)
    if missing:
        names = ", ".join(name.rpartition(".")[2] for name in missing)
        emit(Event.step(f"built as well, since the warehouse lacks it: {names}"))
    return missing


def _active_version(session: Session) -> int | None:
    with session.project.warehouse(read_only=True) as warehouse:
        return session.registry(warehouse).active_version()


def _stored_warnings(session: Session) -> list[str]:
    """What a person should know of the active model and the order lines, as the warehouse keeps it."""
    with session.project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        of_model = registry.warnings(registry.active_version())
        return [*of_model, *order_line_warnings(warehouse, session)]


def _summary(project: DbtProject, warnings: list[str], seconds: float) -> Summary:
    manifest = project.last_manifest()
    with project.warehouse(read_only=True) as warehouse:
        segments_query, customers_query = (
            f"select * from {manifest.relation(name)}"
            for name in ("seg_segments", "seg_customer_segments")
        )
        dialect = warehouse.dialect
        segments = warehouse.rows(
            questions.segment_summary(segments_query, customers_query, dialect)
        )
        tiers = warehouse.rows(questions.tier_counts(customers_query, dialect))
    customers = sum(row["customers"] for row in tiers)
    if not customers:
        raise SegError(
            "the build went through, but no customer was scored: seg_customer_features has no rows. "
            "Is the relation in `transactions` (or `feature_table`) filled, and `as_of_date` after its first order?"
        )
    return Summary(
        model_version=segments[0]["model_version"],
        customers=customers,
        as_of_date=str(tiers[0]["as_of_date"]),
        segments=segments,
        tiers={row["action_tier"]: row["customers"] for row in tiers},
        warnings=warnings,
        seconds=seconds,
    )


@contextmanager
def _timed(emit: Emit, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    emit(Event.step(f"{what} ({time.monotonic() - began:z.0f} s)"))
