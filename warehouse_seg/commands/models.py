"""Lists what the registry has: every version with its warnings, every activation, what became of the segments."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.registry.rows import Row, warning_texts


@dataclass(frozen=True)
class StoredModels:
    """Rows of the registry, the newest first.

    active: the active version, None before the first fit
    models: rows of `seg_models`; warnings: model version → texts
    """

    active: int | None
    models: list[Row]
    warnings: dict[int, list[str]]
    activations: list[Row]
    segment_matches: list[Row]

    @property
    def active_warnings(self) -> list[str]:
        """What to know before using the active model."""
        return [] if self.active is None else self.warnings.get(self.active, [])


def models(project: DbtProject) -> StoredModels:
    """Every stored version, every activation and what became of the segments."""
    session = Session.for_reading(project)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        activations = registry.activations()
        stored = registry.models()
        return StoredModels(
            active=activations[0]["model_version"] if activations else None,
            models=stored,
            warnings={row["model_version"]: warning_texts(row) for row in stored},
            activations=activations,
            segment_matches=registry.segment_matches(),
        )


def stored_model(project: DbtProject, version: int | None) -> SegmentModel:
    """The model of this version, or the active one. Raises UsageError where there is none."""
    session = Session.for_reading(project)
    with project.warehouse(read_only=True) as warehouse:
        return session.registry(warehouse).stored(version)
