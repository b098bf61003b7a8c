"""Makes another stored version the active one: a given one, or the one before."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.project.context import Session
from warehouse_seg.project.scored_version import due_build, scored_version
from warehouse_seg.registry.walk_back import ROLLBACK, earlier_versions
from warehouse_seg.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Activated:
    """The version that is active now.

    hint: that a build is due, None where the tables show this version
    """

    version: int
    hint: str | None


def activate(
    project: DbtProject, version: int, reason: str, registry_name: str | None
) -> Activated:
    """Make a stored version the active one. Raises UsageError where there is no such version."""
    session = Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        registry.activate(version, "activate", reason, expected=registry.active_version())
        return _activated(warehouse, session, version)


def rollback(project: DbtProject, reason: str, registry_name: str | None) -> Activated:
    """Make the version that was active before the present one active again; repeated, the one before that.

    Raises UsageError where there is none.
    """
    session = Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        history = registry.activations()
        active = history[0]["model_version"] if history else None
        earlier = earlier_versions(history)
        if not earlier:
            raise UsageError(
                f"no version was active before the present one ({active or 'none'}); "
                "`warehouse-seg models` lists what is stored, `warehouse-seg activate VERSION` takes any of it"
            )
        registry.activate(earlier[0], ROLLBACK, reason, expected=active)
        return _activated(warehouse, session, earlier[0])


def _activated(warehouse: Warehouse, session: Session, version: int) -> Activated:
    return Activated(version, due_build(version, scored_version(warehouse, session.manifest)))
