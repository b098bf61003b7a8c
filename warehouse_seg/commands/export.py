"""Writes a stored model as a file that `import` stores in another registry."""

from __future__ import annotations

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.project.context import Session
from warehouse_seg.registry.exchange import exported


def export(project: DbtProject, version: int | None) -> str:
    """The file's text for a stored version, or the active one. Raises UsageError where there is no whole one."""
    session = Session.for_reading(project)
    with project.warehouse(read_only=True) as warehouse:
        return exported(session.registry(warehouse), version).to_json()
