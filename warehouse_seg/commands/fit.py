"""Fits a new model, or refits the active one, and makes the result the active model.

A fit reads a sample of the wide features, for the categories that the new version will be frozen to; what it writes is
the registry, and the last row that it writes makes the model active.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from warehouse_seg.commands.fit_population import (
    population_of,
    refit_to_population,
    with_population_density,
)
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import Refused, UsageError
from warehouse_seg.evaluation.choice_window import ChoiceWindow
from warehouse_seg.evaluation.model_forecast import with_forecast
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.feature_sets import FeatureSet
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.predictive_fit import fit_by_prediction
from warehouse_seg.mixture.refit import ignored_settings, refit_blocker, refit_model
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_matching import SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import ModelWarning
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_choice import choose_features, competing_sets, extra_columns
from warehouse_seg.project.feature_queries import features_query
from warehouse_seg.project.historical_features import choice_history
from warehouse_seg.project.order_line_warnings import order_line_warnings
from warehouse_seg.project.overlap import count_overlap
from warehouse_seg.project.sample_reading import read_sample
from warehouse_seg.project.scored_version import due_build, scored_version
from warehouse_seg.project.time_split import TimeSplit, Unavailable
from warehouse_seg.registry.store import Registry
from warehouse_seg.scoring.limits import passed_limits, size_of
from warehouse_seg.segments.given_names import unknown_keys_warning
from warehouse_seg.segments.matching import match_segments, with_new_keys
from warehouse_seg.settings import Preference, Settings
from warehouse_seg.warehouse.connection import Warehouse

WORST_SEGMENTS = 3
"""So many segments are named where a fit is refused."""


@dataclass(frozen=True)
class Options:
    """What `fit` is asked.

    registry_name: the value of --registry
    reselect: search all shapes anew, with features and categories chosen anew, though a model is active
    population: go on from the sample's model to the best one of all customers, who stay in the warehouse
    accept_changes: adopt the model however few customers keep their segment
    prefer: instead of `model.prefer`; notes: kept with the model
    """

    registry_name: str | None = None
    reselect: bool = False
    population: bool = False
    accept_changes: bool = False
    prefer: Preference | None = None
    notes: str = ""


def fit(
    project: DbtProject,
    options: Options | None = None,
    *,
    session: Session | None = None,
    emit: Emit = silent,
) -> SegmentModel:
    """Fit a model on the project's features, store it and make it the active one.

    Where a model is active it is refitted, else all shapes are searched. A search that gives the active model again
    stores nothing, and that one is returned.

    session: where dbt has just worked in the project, what it said; then a build follows. Otherwise dbt is asked
    Raises UsageError (nothing changed), or Refused where every candidate is degenerate or too few customers keep their
    segment. Warnings of the order lines are emitted first, the model's own, which are stored with it, last.
    """
    options = options or Options()
    is_alone = session is None
    session = session or Session.start(project)
    session.require_own_registry(options.registry_name)
    if options.prefer is not None:
        session = session.with_preference(options.prefer)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        active = registry.active_version()
        previous = _previous_model(registry, active, emit)
        used_keys = registry.segment_keys()
        basis, sample = _read(warehouse, session, None if options.reselect else previous, emit)
        time_split = _time_split(warehouse, session, sample, basis)
    require = partial(_require_few_patterns, project, session, sample)
    model = _fitted(basis, sample, time_split, session.settings, require, options.notes, emit)
    with project.warehouse(read_only=True) as warehouse:
        model, matching = _of_population(
            warehouse, session, previous, model, sample, used_keys, options, emit
        )
    if previous is not None and options.reselect and _is_same(model, previous):
        emit(Event.step(f"the search gives version {active} again, nothing is stored"))
        return previous
    model = with_forecast(model, time_split, session.settings.model.seed, emit)
    stored = _published(project, session, model, matching, active, options.notes)
    if is_alone:
        _emit_due_build(project, session, stored.model_version, emit)
    _warn(stored, session.settings, emit)
    return stored


def _of_population(
    warehouse: Warehouse,
    session: Session,
    previous: SegmentModel | None,
    model: SegmentModel,
    sample: Sample,
    used_keys: Sequence[str],
    options: Options,
    emit: Emit,
) -> tuple[SegmentModel, SegmentMatching | None]:
    """The model with what only all customers say: parameters where asked for, keys, density, limits of its SQL.

    Raises Refused where too few customers keep their segment.
    """
    customers = population_of(warehouse, session, model)
    if options.population:
        model = refit_to_population(customers, session.settings.model, sample, emit)
    model, matching = _identified(warehouse, session, previous, model, sample, used_keys, emit)
    if matching is not None and previous is not None and not options.accept_changes:
        _refuse_too_much_change(matching, previous, session.settings.model.min_kept_share)
    # After the gate: a pass over all customers is wasted on a model that is refused.
    model = with_population_density(customers, model, sample, emit)
    return _with_limits(model, customers.patterns, warehouse.dialect), matching


def _published(
    project: DbtProject,
    session: Session,
    model: SegmentModel,
    matching: SegmentMatching | None,
    active: int | None,
    notes: str,
) -> SegmentModel:
    """The model with its version, stored and active."""
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        stored = registry.publish(model, matching)
        registry.activate(stored.model_version, "fit", notes, expected=active)
    return stored


def _emit_due_build(project: DbtProject, session: Session, version: int, emit: Emit) -> None:
    with project.warehouse(read_only=True) as warehouse:
        due = due_build(version, scored_version(warehouse, session.manifest))
    if due is not None:
        emit(Event.step(due))


def _is_same(model: SegmentModel, previous: SegmentModel) -> bool:
    """Whether both score every customer alike and call the segments alike."""
    names = [[c.segment_name for c in each.components] for each in (model, previous)]
    return model.fingerprint == previous.fingerprint and names[0] == names[1]


def _warn(model: SegmentModel, settings: Settings, emit: Emit) -> None:
    """What is stored with the model, and names that are given to none of its segments."""
    for warning in model.training.warnings:
        emit(Event.warning(warning.text))
    unknown = unknown_keys_warning(model, settings.segment_names)
    if unknown is not None:
        emit(Event.warning(unknown))


def _previous_model(registry: Registry, active: int | None, emit: Emit) -> SegmentModel | None:
    """The active model. None where there is none, or where its rows cannot be used: a fit is the way out of that."""
    if active is None:
        return None
    try:
        return registry.read(active)
    except UsageError as error:
        emit(Event.warning(f"{error}; every segment of this fit gets a new key"))
        return None


def _read(
    warehouse: Warehouse, session: Session, basis: SegmentModel | None, emit: Emit
) -> tuple[SegmentModel | None, Sample]:
    """The model to refit and the sample for it, read with its own categories.

    None, and a sample with the categories that are the largest now, where all shapes are to be searched.
    """
    for text in order_line_warnings(warehouse, session):
        emit(Event.warning(text))
    if basis is not None:
        sample = read_sample(warehouse, session, basis.categories)
        choices = choose_features(sample, session.settings)
        blocker = refit_blocker(basis, sample, choices, session.settings.model)
        if blocker is None:
            decided = _features_are_decided(session.settings)
            for ignored in ignored_settings(
                basis, sample, choices if decided else None, session.settings.model
            ):
                emit(Event.warning(f"{ignored}; `warehouse-seg fit --reselect` takes that up"))
            return basis, sample
        emit(Event.step(f"{blocker}; features, categories and shape are chosen anew"))
    return None, read_sample(warehouse, session)


def _features_are_decided(settings: Settings) -> bool:
    """Whether a search would take the same features whatever they predict."""
    chosen_by_prediction = settings.model.prefer == Preference.PREDICTIVE and settings.transactions
    return settings.model.features is not None or not chosen_by_prediction


def _require_few_patterns(
    project: DbtProject, session: Session, sample: Sample, features: Sequence[Feature]
) -> None:
    """Raise UsageError where customers lack more sets of these features than scoring allows: before the search."""
    with project.warehouse(read_only=True) as warehouse:
        query = features_query(warehouse, session, sample.categories)
        missing_patterns(warehouse, features, query, session.settings.model.missing_patterns)


def _time_split(
    warehouse: Warehouse, session: Session, sample: Sample, basis: SegmentModel | None
) -> TimeSplit | Unavailable:
    """The windows that a model is chosen and measured on, for its features; or why there are none."""
    if session.settings.model.prefer == Preference.FIT:
        return Unavailable("`model.prefer` is fit")
    if basis is not None:
        features = basis.column_names
    elif session.settings.model.features is not None:
        features = [choice.name for choice in session.settings.model.features]
    else:
        features = extra_columns(sample, session.settings)
    return choice_history(warehouse, session, sample.categories, features)


def _fitted(
    basis: SegmentModel | None,
    sample: Sample,
    time_split: TimeSplit | Unavailable,
    settings: Settings,
    require: Callable[[Sequence[Feature]], None],
    notes: str,
    emit: Emit,
) -> SegmentModel:
    """The refit of `basis`, or the model of a search through all shapes where there is none."""
    emit(Event.step(f"read {sample.rows:,} of {sample.population_rows:,} customers"))
    if basis is not None:
        require(basis.features)
        names = ", ".join(basis.feature_names)
        emit(Event.progress(f"features of version {basis.model_version}: {names}"))
        model = refit_model(basis, sample, settings.model, notes=notes, emit=emit)
        emit(Event.step(f"version {basis.model_version} refitted, its features and its shape kept"))
        return model
    sets = competing_sets(sample, settings)
    criterion = _criterion(time_split, sets, settings)
    if isinstance(criterion, Unavailable):
        emit(Event.step(f"chosen by BIC, not by what it predicts: {criterion.reason}"))
        choices = choose_features(sample, settings)
        emit(Event.progress(f"features: {', '.join(choice.name for choice in choices)}"))
        return fit_model(sample, choices, settings.model, notes=notes, emit=emit, require=require)
    return fit_by_prediction(
        sample, sets, settings.model, criterion, notes=notes, emit=emit, require=require
    )


def _criterion(
    time_split: TimeSplit | Unavailable, sets: Sequence[FeatureSet], settings: Settings
) -> ChoiceWindow | Unavailable:
    """What candidates are judged by, or why BIC alone decides."""
    if isinstance(time_split, Unavailable):
        return time_split
    if not sets:
        return Unavailable("every feature set has the column of weights")
    window = ChoiceWindow(time_split.first, settings.model.seed)
    return window.unavailable() or window


def _identified(
    warehouse: Warehouse,
    session: Session,
    previous: SegmentModel | None,
    model: SegmentModel,
    sample: Sample,
    used_keys: Sequence[str],
    emit: Emit,
) -> tuple[SegmentModel, SegmentMatching | None]:
    """The model with the keys and names of the active one's segments where customers and Gaussians say they go on.

    With new keys, and no matching, where there is no model before it.
    """
    if previous is None:
        return with_new_keys(model, used_keys, session.settings.segment_names), None
    overlap = count_overlap(warehouse, session, previous, model)
    weights = sample.weights(session.settings.model.weight)
    named_keys = session.settings.segment_names
    matching = match_segments(
        previous,
        model,
        overlap,
        used_keys,
        named_keys,
        columns=sample.columns,
        weights=weights,
    )
    for match in matching.matches:
        emit(Event.progress(str(match)))
    customers = f"{overlap.sum():z,.0f} customers"
    emit(Event.step(f"{matching.kept_share:z.1%} of {customers} keep their segment"))
    return matching.model, matching


def _refuse_too_much_change(
    matching: SegmentMatching, previous: SegmentModel, min_kept_share: float
) -> None:
    """The gate before a new version is stored. Raises Refused, naming the segments that lose most."""
    if matching.kept_share >= min_kept_share:
        return
    names = {component.segment_key: component.segment_name for component in previous.components}
    worst = sorted(matching.kept_shares.items(), key=lambda item: item[1])[:WORST_SEGMENTS]
    named = ", ".join(f"{key} {names[key]!r} {share:z.0%}" for key, share in worst)
    raise Refused(
        f"{matching.kept_share:z.1%} of the customers would keep their segment, needed {min_kept_share:z.0%} "
        f"(`model.min_kept_share`); least of all those of {named}. Nothing was stored, version "
        f"{previous.model_version} stays active. If the change is meant, `warehouse-seg fit --accept-changes` adopts it"
    )


def _with_limits(
    model: SegmentModel, patterns: Sequence[Sequence[str]], dialect: str
) -> SegmentModel:
    """The model with a warning for each limit of the engine that its scoring SQL passes."""
    text = model.score_sql("seg_customer_features", dialect, patterns=patterns)
    return model.with_warnings(
        ModelWarning(kind="statement_limit", text=sentence)
        for sentence in passed_limits(size_of(text, model), dialect)
    )
