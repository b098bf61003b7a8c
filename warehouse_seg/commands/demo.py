"""The demo: a made-up shop as a dbt project of its own, set up and run as any user's would be."""

from __future__ import annotations

from pathlib import Path

from warehouse_seg.commands.init import init
from warehouse_seg.commands.run import Summary, run
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.demo import write_shop
from warehouse_seg.events import Emit, Event, silent


def demo(
    directory: Path,
    *,
    customers: int,
    seed: int,
    emit: Emit = silent,
) -> Summary:
    """Write the shop and its dbt project into `directory`, then run the whole job there."""
    write_shop(directory, customers=customers, seed=seed)
    emit(Event.step(f"made a shop of {customers:,} customers in {directory}"))
    place = directory.resolve()
    project = DbtProject(project_dir=place, profiles_dir=place, called_from=place)
    init(project, {})
    project.call("deps")
    return run(project, emit=emit)
