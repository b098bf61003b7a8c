"""Everything that can be said of a stored model to somebody who does not believe in it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.evaluation.audit import audit
from warehouse_seg.evaluation.certainty import certainty
from warehouse_seg.evaluation.likelihood import likelihood
from warehouse_seg.evaluation.predictive_power import PredictivePower, predictive_power
from warehouse_seg.evaluation.reference import reference_agreement
from warehouse_seg.evaluation.separation import separation
from warehouse_seg.evaluation.simpler_methods import silhouettes, simpler_methods
from warehouse_seg.evaluation.starts import start_stability
from warehouse_seg.evaluation.validation import Validation
from warehouse_seg.evaluation.validation_verdict import verdict
from warehouse_seg.evaluation.windows import Window, shares_of, window_agreement
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.preparation import prepare_as
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.mixture.stability import BOOTSTRAP_ROWS, bootstrap_stability
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project import attributes
from warehouse_seg.project.context import Session
from warehouse_seg.project.historical_features import historical_features
from warehouse_seg.project.sample_reading import read_sample
from warehouse_seg.project.time_split import TimeSplit, Unavailable
from warehouse_seg.registry.rows import Row
from warehouse_seg.segments.given_names import unknown_keys_warning
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
class ValidationReport:
    """The figures, and the verdict on them in sentences."""

    figures: Validation
    verdict: str


@dataclass(frozen=True)
class _Customers:
    """What the warehouse says, so that it is closed while the rest is computed.

    earlier: day → raw columns of the customers of that day
    """

    model: SegmentModel
    columns: Columns
    weight: str | None
    earlier: dict[str, Columns]
    time_split: TimeSplit | Unavailable
    reference: list[Row] | None
    protected: list[Row] | None


def validate(
    project: DbtProject, options: Options | None = None, *, emit: Emit = silent
) -> ValidationReport:
    """Validate a stored model on the customers of the project.

    Raises UsageError where there is no such model, where the features lack one that it needs, and for columns that are
    no groups of customers.
    """
    options = options or Options()
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        customers = _read(warehouse, session, options)
    unknown = unknown_keys_warning(customers.model, session.settings.segment_names)
    if unknown is not None:
        emit(Event.warning(unknown))
    emit(Event.step(f"read {len(next(iter(customers.columns.values()))):,} customers"))
    with threadpool_limits(1):
        figures = _figures(customers, options, session.settings.model.seed, emit)
    return ValidationReport(figures, verdict(figures))


def _read(warehouse: Warehouse, session: Session, options: Options) -> _Customers:
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
    history = historical_features(
        warehouse, session, model.categories, model.column_names, options.window_days
    )
    earlier: dict[str, Columns] = {}
    time_split: TimeSplit | Unavailable
    if isinstance(history, Unavailable):
        time_split = history
    else:
        earlier = {
            day: history.columns_on(day, model.column_names, BOOTSTRAP_ROWS)
            for day in history.earlier_days()
        }
        time_split = history.time_split()
    weight = session.settings.model.weight
    return _Customers(model, sample.columns, weight, earlier, time_split, reference, protected)


def _figures(customers: _Customers, options: Options, seed: int, emit: Emit) -> Validation:
    model = customers.model
    shape = Shape(len(model.components), model.covariance_type)
    parameters = parameters_of(model)
    prepared = prepare_as(customers.columns, model.features, customers.weight)
    statistics = em.statistics_of(prepared)
    emit(
        Event.step(
            "refits without a fifth of the customers, from other starts and on bootstrap samples"
        )
    )
    likelihoods = likelihood(statistics, parameters, shape)
    starts = start_stability(statistics, parameters, shape, seed)
    bootstraps = bootstrap_stability(statistics, parameters, shape, seed)
    windows = tuple(_window(day, c, model, seed) for day, c in customers.earlier.items())
    emit(Event.step("what the segments of an earlier day say of time that nothing has seen"))
    power = _predictive_power(customers.time_split, model, shape, seed)
    memberships, _ = em.expectation(statistics, parameters)
    top = memberships.argmax(axis=0)
    return Validation(
        model_version=model.model_version,
        segments=tuple(component.segment_key for component in model.components),
        customers=len(statistics),
        likelihood=likelihoods,
        starts=starts,
        bootstraps=bootstraps,
        windows=windows,
        shares=shares_of(memberships, statistics.weights),
        certainty=certainty(prepared, memberships, statistics.weights),
        pairs=separation(model),
        predictive_power=power,
        simpler_methods=simpler_methods(
            power, silhouettes(statistics.z, top, shape.n_components, seed)
        ),
        reference=None
        if customers.reference is None
        else reference_agreement(str(options.reference), customers.reference),
        protected=() if customers.protected is None else audit(customers.protected),
        warnings=tuple(warning.text for warning in model.training.warnings),
    )


def _window(day: str, columns: Columns, model: SegmentModel, seed: int) -> Window:
    """The model's segments on an earlier day, in its own feature space, beside a refit to that day."""
    count = len(columns["customer_id"])
    try:
        prepared = prepare_as(columns, model.features)
    except UsageError:
        # Too few customers yet, or all of them alike.
        return Window(day, count, None)
    shape = Shape(len(model.components), model.covariance_type)
    statistics, parameters = em.statistics_of(prepared), parameters_of(model)
    memberships, _ = em.expectation(statistics, parameters)
    agreement = window_agreement(statistics, parameters, shape, seed)
    return Window(day, count, agreement, shares_of(memberships))


def _predictive_power(
    time_split: TimeSplit | Unavailable, model: SegmentModel, shape: Shape, seed: int
) -> PredictivePower | Unavailable:
    if isinstance(time_split, Unavailable):
        return time_split
    return predictive_power(time_split, model.features, shape, seed)
