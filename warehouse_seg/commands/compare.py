"""A stored model beside simpler ways to make segments of the same customers. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.evaluation import comparison
from warehouse_seg.evaluation.comparison import Compared, Customers
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.preparation import prepare_as
from warehouse_seg.mixture import em
from warehouse_seg.mixture.search import Shape
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import read_sample
from warehouse_seg.project.historical_features import historical_features, history_of


@dataclass(frozen=True)
class Comparison:
    """What `warehouse-seg compare` says.

    customers: how many were read; window_days: of the time split, None where there is none, for the reason in
    `without_time_split`; blended: share of the customers whose top membership is below 0.8
    """

    model_version: int
    customers: int
    methods: tuple[Compared, ...]
    window_days: int | None
    without_time_split: str
    blended: float
    verdict: str


def compare(
    project: DbtProject,
    *,
    version: int | None = None,
    window_days: int | None = None,
    emit: Emit = silent,
) -> Comparison:
    """Compare a stored model, else the active one, with other methods on the customers of the project.

    Raises UsageError where there is no such model, and where the features lack one that it needs.
    """
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        model = session.registry(warehouse).stored(version)
        columns = read_sample(warehouse, session, model.categories).columns
        back = historical_features(warehouse, session, model, window_days)
        time_split = back if isinstance(back, str) else back.time_split()
    prepared = prepare_as(columns, model.features)
    statistics = em.statistics_of(prepared)
    parameters = em.parameters_of(model)
    emit(
        Event.step(
            f"read {len(statistics):,} customers; every method now, and on bootstrap samples"
        )
    )
    without_time_split = time_split if isinstance(time_split, str) else ""
    with threadpool_limits(1):
        methods = comparison.compare(
            Customers(statistics.z, history_of(columns)),
            statistics,
            parameters,
            Shape(len(model.components), model.covariance_type),
            session.settings.model.seed,
            None if isinstance(time_split, str) else time_split,
        )
        memberships, _ = em.expectation(statistics, parameters)
    blended = float((memberships.max(axis=0) < comparison.CLEAR).mean())
    return Comparison(
        model_version=model.model_version,
        customers=len(statistics),
        methods=methods,
        window_days=None if isinstance(time_split, str) else time_split.window_days,
        without_time_split=without_time_split,
        blended=blended,
        verdict=comparison.verdict(methods, blended),
    )
