"""Which version of the model the tables were scored with, and what to do where it is not the active one."""

from __future__ import annotations

from warehouse_seg.dbt.manifest import Manifest
from warehouse_seg.warehouse.connection import Warehouse

SCORED = "seg_segments"
"""The smallest table that says it; it is built after the scores."""


def scored_version(warehouse: Warehouse, manifest: Manifest) -> int | None:
    """The version that the last build scored with; None where nothing is scored yet, or the table is switched off."""
    if not manifest.has_model(SCORED):
        return None
    relation = manifest.relation(SCORED)
    if not warehouse.has_relation(relation):
        return None
    (row,) = warehouse.rows(f"select max(model_version) as scored from {relation}")
    return None if row["scored"] is None else int(row["scored"])


def due_build(active: int, scored: int | None) -> str | None:
    """That a build is due, in a sentence; None where the tables show the active version."""
    if scored == active:
        return None
    build = f"`dbt build` scores with version {active}"
    if scored is None:
        return f"no table is scored yet: {build}"
    return f"the tables were scored with version {scored}, version {active} is active: {build}"
