"""How the plan of `uninstall` is laid out for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse_seg.commands.uninstall import Plan


def plan_lines(plan: Plan) -> Iterator[str]:
    """What would be removed: tables, lines, folders; what stays."""
    if plan.is_empty:
        yield "nothing of the package is left in this project"
    for relation in plan.relations:
        yield f"drop {relation}"
    for edit in plan.edits:
        yield edit.difference
    for folder in plan.folders:
        yield f"remove {folder}/"
    if plan.registry is not None:
        yield (
            f"the fitted models stay, in the registry tables of schema {plan.registry}, and so does the history; "
            f"--registry {plan.registry} removes them as well"
        )
