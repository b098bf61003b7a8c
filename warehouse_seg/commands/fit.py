"""The jobs around a model: fit a new one, list them, activate one, roll back.

A fit reads a sample of the wide features, for the categories that the new version will be frozen to; what it writes is
the registry, and the last row that it writes makes the model active.
"""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.commands.fit_population import population_of, with_population_density
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import Refused, UsageError
from warehouse_seg.features.preparation import Sample
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.refit import ignored_settings, refit_blocker, refit_model
from warehouse_seg.model.segment_matching import SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.progress import Progress, silent
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import (
    choose_features,
    count_overlap,
    read_sample,
)
from warehouse_seg.registry.store import Registry, Row
from warehouse_seg.scoring.limits import passed_limits, size_of
from warehouse_seg.segments.matching import match_segments, with_new_keys
from warehouse_seg.settings import Settings
from warehouse_seg.warehouse.connection import Columns, Warehouse

WORST_SEGMENTS = 3
"""So many segments are named where a fit is refused."""


def fit(
    project: DbtProject,
    *,
    session: Session | None = None,
    registry_name: str | None = None,
    reselect: bool = False,
    population: bool = False,
    accept_changes: bool = False,
    notes: str = "",
    progress: Progress = silent,
) -> SegmentModel:
    """Fit a model on the project's features, store it and make it the active one.

    Where a model is active it is refitted, else all shapes are searched.

    session: where dbt has just worked in the project, what it said; otherwise dbt is asked
    reselect: search all shapes anew, with features and categories chosen anew, though a model is active
    population: go on from the sample's model to the best one of all customers, who stay in the warehouse
    accept_changes: adopt the model however few customers keep their segment
    Raises UsageError (nothing changed), or Refused where every candidate is degenerate or too few customers keep their
    segment.
    """
    session = session or Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        active = registry.active_version()
        previous = _previous_model(registry, active, progress)
        used_keys = registry.segment_keys()
        basis, sample = _read(warehouse, session, None if reselect else previous, progress)
    model = _fitted(basis, sample, session.settings, notes, progress)
    with project.warehouse(read_only=True) as warehouse:
        everybody = population_of(warehouse, session, model)
        model = with_population_density(
            everybody, session.settings.model, sample, refit=population, progress=progress
        )
    matching = None
    if previous is None:
        model = with_new_keys(model, used_keys)
    else:
        matching = _traced(session, previous, model, sample.columns, used_keys, progress)
        model = matching.model
        if not accept_changes:
            _refuse_too_much_change(matching, previous, session.settings.model.min_kept_share)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        _warn_of_limits(model, everybody.patterns, warehouse.dialect, progress)
        stored = registry.publish(model, matching)
        registry.activate(stored.model_version, "fit", notes, expected=active)
    return stored


def _previous_model(
    registry: Registry, active: int | None, progress: Progress
) -> SegmentModel | None:
    """The active model. None where there is none, or where its rows cannot be used: a fit is the way out of that."""
    if active is None:
        return None
    try:
        return registry.read(active)
    except UsageError as error:
        progress(f"warning: {error}; every segment of this fit gets a new key")
        return None


def _read(
    warehouse: Warehouse, session: Session, basis: SegmentModel | None, progress: Progress
) -> tuple[SegmentModel | None, Sample]:
    """The model to refit and the sample for it, read with its own categories.

    None, and a sample with the categories that are the largest now, where all shapes are to be searched.
    """
    if basis is not None:
        sample = read_sample(warehouse, session, basis.categories)
        choices = choose_features(sample, session.settings)
        reason = refit_blocker(basis, sample, choices, session.settings.model)
        if not reason:
            for aside in ignored_settings(basis, sample, choices, session.settings.model):
                progress(f"note: {aside}; `warehouse-seg fit --reselect` takes that up")
            return basis, sample
        progress(f"note: {reason}; features, categories and shape are chosen anew")
    return None, read_sample(warehouse, session)


def _fitted(
    basis: SegmentModel | None,
    sample: Sample,
    settings: Settings,
    notes: str,
    progress: Progress,
) -> SegmentModel:
    """The refit of `basis`, or the model of a search through all shapes where there is none."""
    progress(f"read {sample.rows:,} of {sample.population_rows:,} customers")
    if basis is not None:
        progress(f"features of version {basis.model_version}: {', '.join(basis.feature_names)}")
        return refit_model(basis, sample, settings.model, notes=notes, progress=progress)
    choices = choose_features(sample, settings)
    progress(f"features: {', '.join(choice.name for choice in choices)}")
    return fit_model(sample, choices, settings.model, notes=notes, progress=progress)


def _traced(
    session: Session,
    previous: SegmentModel,
    model: SegmentModel,
    columns: Columns,
    used_keys: Sequence[str],
    progress: Progress,
) -> SegmentMatching:
    """The model with the keys and names of the active one's segments where customers and Gaussians say they go on."""
    with session.project.warehouse(read_only=True) as warehouse:
        overlap = count_overlap(warehouse, session, previous, model)
    matching = match_segments(previous, model, overlap, used_keys, columns)
    for match in matching.matches:
        progress(f"  {match}")
    progress(f"{matching.kept_share:.1%} of {overlap.sum():,.0f} customers keep their segment")
    return matching


def _refuse_too_much_change(
    matching: SegmentMatching, previous: SegmentModel, min_kept_share: float
) -> None:
    """The gate before a new version is stored. Raises Refused, naming the segments that lose most."""
    if matching.kept_share >= min_kept_share:
        return
    names = {component.segment_key: component.segment_name for component in previous.components}
    worst = sorted(matching.kept_shares.items(), key=lambda item: item[1])[:WORST_SEGMENTS]
    named = ", ".join(f"{key} {names[key]!r} {share:.0%}" for key, share in worst)
    raise Refused(
        f"{matching.kept_share:.1%} of the customers would keep their segment, needed {min_kept_share:.0%} "
        f"(`model.min_kept_share`); least of all those of {named}. Nothing was stored, version "
        f"{previous.model_version} stays active. If the change is meant, `warehouse-seg fit --accept-changes` adopts it"
    )


def _warn_of_limits(
    model: SegmentModel, patterns: Sequence[Sequence[str]], dialect: str, progress: Progress
) -> None:
    """Say, before the model becomes the active one, which limits of the engine its scoring SQL passes."""
    text = model.score_sql("seg_customer_features", dialect, patterns=patterns)
    for warning in passed_limits(size_of(text, model), dialect):
        progress(f"warning: {warning}")


def models(project: DbtProject) -> tuple[list[Row], list[Row], list[Row]]:
    """Every stored version, every activation and what became of the segments, the newest first."""
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        return registry.models(), registry.activations(), registry.segment_matches()


def activate(project: DbtProject, version: int, reason: str, registry_name: str | None) -> None:
    """Make a stored version the active one. Raises UsageError where there is no such version."""
    session = Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        registry.activate(version, "activate", reason, expected=registry.active_version())


def rollback(project: DbtProject, reason: str, registry_name: str | None) -> int:
    """Make the version that was active before the present one active again; that version.

    Raises UsageError where there is none.
    """
    session = Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        history = [row["model_version"] for row in registry.activations()]
        earlier = [version for version in history if version != history[0]]
        if not earlier:
            raise UsageError(
                f"no version was active before the present one ({history[0] if history else 'none'}); "
                "`warehouse-seg models` lists what is stored"
            )
        registry.activate(earlier[0], "rollback", reason, expected=history[0])
    return int(earlier[0])


def stored_model(project: DbtProject, version: int | None) -> SegmentModel:
    """The model of this version, or the active one. Raises UsageError where there is none."""
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        return session.registry(warehouse).stored(version)
