"""Stores a model that `export` wrote in the registry of this project's target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import features_query
from warehouse_seg.registry.exchange import (
    MAX_BYTES,
    ExportedModel,
    matching_here,
    parsed,
    require_same_segments,
    stored_version,
)
from warehouse_seg.registry.store import Registry
from warehouse_seg.warehouse.connection import Warehouse


@dataclass(frozen=True)
class ImportedModel:
    """What an import did.

    was_stored: whether the registry had this very model before; then nothing was written but an activation
    """

    version: int
    was_stored: bool
    is_active: bool


def import_model(
    project: DbtProject,
    path: Path,
    *,
    activate: bool = False,
    reason: str = "",
    registry_name: str | None = None,
    emit: Emit = silent,
) -> ImportedModel:
    """Store the model in a file under the next free version, and make it the active one where that is wanted.

    Raises UsageError, and stores nothing, for a file that is no unchanged export, where the target's features lack a
    column that the model reads, and where a segment key belongs to another segment here.
    """
    exported = parsed(_content(path), str(path))
    session = Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse(read_only=True) as warehouse:
        _require_columns(warehouse, session, exported.model, emit)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        active = registry.active_version()
        known = stored_version(registry, exported)
        version = known if known is not None else _store(registry, exported, emit)
        if activate and version != active:
            registry.activate(version, "import", reason, expected=active)
    is_active = activate or version == active
    return ImportedModel(version, was_stored=known is not None, is_active=is_active)


def _store(registry: Registry, exported: ExportedModel, emit: Emit) -> int:
    require_same_segments(registry, exported)
    matching = matching_here(registry, exported)
    if exported.segment_matching is not None and matching is None:
        emit(
            Event.step(
                "the version that this model went on from is not in this registry; what became of its segments is left "
                "out"
            )
        )
    return registry.publish(exported.model, matching).model_version


def _content(path: Path) -> bytes:
    """The file's bytes, not many more than a model may have. Raises UsageError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}. Give the file that "
            "`warehouse-seg export N --output FILE` wrote"
        ) from error


def _require_columns(
    warehouse: Warehouse, session: Session, model: SegmentModel, emit: Emit
) -> None:
    """Raise UsageError where the target's features lack a column of the model; a warning where none are built."""
    try:
        query = features_query(warehouse, session, model.categories)
    except UsageError as error:
        emit(
            Event.warning(
                f"nobody could check whether this target has the model's features: {error}"
            )
        )
        return
    present = {name.lower() for name in warehouse.column_types(query)}
    missing = [name for name in model.column_names if name.lower() not in present]
    if missing:
        raise UsageError(
            f"the features of this target have no column {', '.join(missing)}, which the model reads. Nothing was "
            "stored; bring the columns into `feature_table` or `extra_features` here too and run `dbt build`, or fit "
            "here"
        )
