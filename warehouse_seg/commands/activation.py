"""Makes another stored version the active one: a given one, or the one before."""

from __future__ import annotations

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.project.context import Session


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
