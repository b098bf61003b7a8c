"""Everything that can be said of a stored model to somebody who does not believe in it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.evaluation import validation
from warehouse_seg.evaluation.predictive_power import predictive_power
from warehouse_seg.evaluation.validation import Validation, Window
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.preparation import prepare_as
from warehouse_seg.mixture import em
from warehouse_seg.mixture.search import Shape
from warehouse_seg.mixture.stability import BOOTSTRAP_ROWS, bootstrap_stability
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project import attributes
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import read_sample
from warehouse_seg.project.historical_features import HistoricalFeatures, historical_features
from warehouse_seg.project.time_split import TimeSplit
from warehouse_seg.registry.rows import Row
from warehouse_seg.warehouse.connection import Columns, Warehouse


@dataclass(frozen=True)
class Options:
    """What `validate` is asked beside the figures that it always has.

    version: a stored one, else the active one; window_days: of the time split; reference, protected: columns
    """

    version: int | None = None
    window_days: int | None = None
    reference: str | None = None
    protected: str | None = None


@dataclass(frozen=True)
class _Read:
    """What the warehouse says, so that it is closed while the rest is reckoned.

    earlier: day → raw columns of the customers of that day; past: the time split, or why there is none
    """

    model: SegmentModel
    columns: Columns
    earlier: dict[str, Columns]
    time_split: TimeSplit | str
    reference: list[Row] | None
    protected: list[Row] | None


def validate(
    project: DbtProject, options: Options | None = None, *, emit: Emit = silent
) -> Validation:
    """Validate a stored model on the customers of the project.

    Raises UsageError where there is no such model, where the features lack one that it needs, and for columns that are
    no groups of customers.
    """
    options = options or Options()
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        read = _read(warehouse, session, options)
    emit(Event.step(f"read {len(next(iter(read.columns.values()))):,} customers"))
    with threadpool_limits(1):
        return _validated(read, options, session.settings.model.seed, emit)


def _read(warehouse: Warehouse, session: Session, options: Options) -> _Read:
    model = session.registry(warehouse).stored(options.version)
    # The columns first: a misspelt one is said before minutes are spent.
    reference, protected = (
        None
        if name is None
        else attributes.counts(
            warehouse, session, model, attributes.attribute(warehouse, session, name)
        )
        for name in (options.reference, options.protected)
    )
    sample = read_sample(warehouse, session, model.categories)
    back = historical_features(warehouse, session, model, options.window_days)
    earlier, time_split = (
        ({}, back) if isinstance(back, str) else (_earlier(back), back.time_split())
    )
    return _Read(model, sample.columns, earlier, time_split, reference, protected)


def _earlier(back: HistoricalFeatures) -> dict[str, Columns]:
    return {day: back.columns_on(day, BOOTSTRAP_ROWS) for day in back.earlier_days()}


def _validated(read: _Read, options: Options, seed: int, emit: Emit) -> Validation:
    model = read.model
    shape = Shape(len(model.components), model.covariance_type)
    parameters = em.parameters_of(model)
    prepared = prepare_as(read.columns, model.features)
    statistics = em.statistics_of(prepared)
    emit(
        Event.step(
            "refits without a fifth of the customers, from other starts and on bootstrap samples"
        )
    )
    found = Validation(
        model_version=model.model_version,
        segments=tuple(component.segment_key for component in model.components),
        customers=len(statistics),
        likelihood=validation.likelihood(statistics, parameters, shape),
        starts=validation.start_stability(statistics, parameters, shape, seed),
        bootstraps=bootstrap_stability(statistics, parameters, shape, seed),
        windows=tuple(_window(day, columns, read, seed) for day, columns in read.earlier.items()),
        pairs=validation.separation(model),
        time_split=None,
        without_time_split="",
        reference=None
        if read.reference is None
        else validation.agreement(str(options.reference), read.reference),
        protected=() if read.protected is None else validation.audit(read.protected),
        warnings=tuple(warning.text for warning in model.training.warnings),
    )
    emit(Event.step("what the segments of an earlier day say about the time after it"))
    found = _with_time_split(found, read.time_split, shape, seed)
    return replace(found, verdict=validation.verdict(found))


def _window(day: str, columns: Columns, read: _Read, seed: int) -> Window:
    """The model's segments on an earlier day, in its own feature space, beside a refit to that day."""
    model, count = read.model, len(columns["customer_id"])
    try:
        prepared = prepare_as(columns, model.features)
    except UsageError:
        # Too few customers yet, or all of them alike.
        return Window(day, count, None)
    statistics = em.statistics_of(prepared)
    shape = Shape(len(model.components), model.covariance_type)
    parameters = em.parameters_of(model)
    again = validation.window_agreement(statistics, parameters, shape, seed)
    return Window(day, count, again)


def _with_time_split(
    found: Validation, time_split: TimeSplit | str, shape: Shape, seed: int
) -> Validation:
    if isinstance(time_split, str):
        return replace(found, without_time_split=time_split)
    try:
        predictions = predictive_power(time_split, shape, seed)
    except np.linalg.LinAlgError:
        reason = f"as of {time_split.as_of_date} no mixture of {shape} can be fitted"
        return replace(found, without_time_split=reason)
    split = validation.PredictivePower(
        as_of_date=time_split.as_of_date,
        window_days=time_split.window_days,
        customers=len(time_split.statistics),
        bought=float(time_split.bought.mean()),
        predictions=predictions,
    )
    return replace(found, time_split=split)
