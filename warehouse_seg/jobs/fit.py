"""The jobs around a model: fit a new one, list them, activate one, roll back.

A fit reads a sample of the wide features, for the categories that the new version will be frozen to; what it writes is
the registry, and the last row that it writes makes the model active.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.dbt import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.fitting import fit_model
from warehouse_seg.jobs.features import choose_features, read_sample
from warehouse_seg.jobs.session import Session
from warehouse_seg.lineage import trace
from warehouse_seg.model import SegmentModel
from warehouse_seg.preparation import Sample
from warehouse_seg.progress import Progress, silent
from warehouse_seg.registry import Registry, Row
from warehouse_seg.warehouse import Columns

Array = NDArray[np.float64]


def fit(
    project: DbtProject,
    *,
    session: Session | None = None,
    registry_name: str | None = None,
    notes: str = "",
    progress: Progress = silent,
) -> SegmentModel:
    """Fit a model on the project's features, store it and make it the active one.

    session: where dbt has just worked in the project, what it said; otherwise dbt is asked
    Raises UsageError (nothing changed), or Refused where every candidate is degenerate.
    """
    session = session or Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        active = registry.active_version()
        previous = _previous_model(registry, active, progress)
        used_keys = registry.segment_keys()
        sample = read_sample(warehouse, session)
    progress(f"read {len(_first(sample.columns)):,} of {sample.population_rows:,} customers")
    choices = choose_features(sample, session.settings)
    progress(f"features: {', '.join(choice.name for choice in choices)}")
    model = fit_model(sample, choices, session.settings.model, notes=notes, progress=progress)
    if previous is not None:
        model = _with_identity(previous, model, sample, used_keys, progress)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        stored = registry.publish(model)
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


def _with_identity(
    previous: SegmentModel,
    model: SegmentModel,
    sample: Sample,
    used_keys: Sequence[str],
    progress: Progress,
) -> SegmentModel:
    """The model with the keys and names of the active one's segments where customers and Gaussians say they go on.

    Where the sample lacks a feature of the active model nobody can be scored under both: then every key is a new one.
    """
    overlap = np.zeros((len(previous.components), len(model.components)))
    if set(previous.feature_names) <= set(sample.columns):
        segments = [m.log_joint(sample.columns).argmax(axis=1) for m in (previous, model)]
        np.add.at(overlap, (segments[0], segments[1]), 1)
    lineage = trace(previous, model, overlap, used_keys)
    for link in lineage.links:
        progress(f"  {link}")
    progress(f"{lineage.kept_share:.1%} of the sampled customers keep their segment")
    return lineage.model


def models(project: DbtProject) -> tuple[list[Row], list[Row]]:
    """Every stored version and every activation, the newest first."""
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        return registry.models(), registry.activations()


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
        registry = session.registry(warehouse)
        wanted = version if version is not None else registry.active_version()
        if wanted is None:
            raise UsageError("no model is active yet; run `warehouse-seg fit`")
        return registry.read(wanted)


def _first(columns: Columns) -> NDArray[Any]:
    return next(iter(columns.values()))
