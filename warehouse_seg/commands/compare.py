"""A stored model beside simpler ways to make segments of the same customers. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.evaluation import comparison
from warehouse_seg.evaluation.comparison import MethodComparison
from warehouse_seg.evaluation.comparison_verdict import verdict
from warehouse_seg.evaluation.methods import Customers
from warehouse_seg.evaluation.predictive_power import frozen_split
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.preparation import prepare_as
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.project.context import Session
from warehouse_seg.project.historical_features import historical_features
from warehouse_seg.project.sample_reading import read_sample
from warehouse_seg.project.time_split import Unavailable, history_of


@dataclass(frozen=True)
class ComparisonReport:
    """All methods on the customers of a project, and the verdict on them in sentences.

    customers: how many were read
    """

    model_version: int
    customers: int
    comparison: MethodComparison
    verdict: str


def compare(
    project: DbtProject,
    *,
    version: int | None = None,
    window_days: int | None = None,
    emit: Emit = silent,
) -> ComparisonReport:
    """Compare a stored model, else the active one, with other methods on the customers of the project.

    Raises UsageError where there is no such model, and where the features lack one that it needs.
    """
    session = Session.start(project)
    settings = session.settings.model
    with project.warehouse(read_only=True) as warehouse:
        model = session.registry(warehouse).stored(version)
        columns = read_sample(warehouse, session, model.categories).columns
        history = historical_features(
            warehouse, session, model.categories, model.column_names, window_days
        )
        time_split = history if isinstance(history, Unavailable) else history.time_split()
    statistics = em.statistics_of(prepare_as(columns, model.features, settings.weight))
    count = f"{len(statistics):,} customers"
    emit(Event.step(f"read {count}; every method now, and on bootstrap samples"))
    with threadpool_limits(1):
        methods = comparison.compare(
            Customers(statistics.z, history_of(columns)),
            statistics,
            parameters_of(model),
            Shape(len(model.components), model.covariance_type),
            settings.seed,
            time_split
            if isinstance(time_split, Unavailable)
            else frozen_split(time_split, model.features),
        )
    return ComparisonReport(
        model_version=model.model_version,
        customers=len(statistics),
        comparison=methods,
        verdict=verdict(methods),
    )
