"""Adds the dbt package and its variables to an existing dbt project, inserting lines and changing none.

The package is copied into the project (`vendor/warehouse_seg`), so that a nightly `dbt build` on another machine needs
nothing of ours, `dbt deps` works offline, and the version that made the tables is in the project's own history.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warehouse_seg.dbt.file_edits import Change, Edit, block_of, content_of, text_of, write
from warehouse_seg.dbt.manifest import PACKAGE
from warehouse_seg.dbt.package_copy import VENDORED, copy_package, require_folders
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.dbt.yaml_text import with_entry, with_item
from warehouse_seg.errors import UsageError
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.project.customer_key import key_type

MATERIALIZED = {"materialized", "+materialized"}
"""Both ways of dbt to write it."""


def init(project: DbtProject, variables: Mapping[str, Any], emit: Emit = silent) -> list[Change]:
    """Vendor the dbt package, name it in packages.yml and put its variables into dbt_project.yml.

    variables: what goes under `vars: warehouse_seg:`; keys that stand there already are left as they are
    Returns what changed; nothing where everything was there. Safe to repeat: that is also how the package is updated.
    Raises UsageError before the first file is written.
    """
    project.require_file()
    path = project.project_dir / "dbt_project.yml"
    written = block_of(content_of(path, text_of(path)), "vars", PACKAGE)
    wanted = {name: value for name, value in variables.items() if written.get(name) is None}
    for name in variables.keys() - wanted.keys():
        emit(Event.step(f"{name} stays {written[name]}, as dbt_project.yml has it"))
    settings = {**written, **wanted}
    _refuse_input(settings)
    if "customer_id_type" not in settings:
        wanted |= key_type(project, settings, emit)
    require_folders(project.project_dir)
    packages = _edited_packages(project.project_dir)
    edits = [*packages, _edited_project(project.project_dir, wanted)]
    # In this order a project is whole after each step, should this be interrupted.
    copied = copy_package(project.project_dir) if packages else None
    changes = [copied] if copied else []
    return [*changes, *(write(edit) for edit in edits if edit.after != edit.before)]


def _refuse_input(settings: Mapping[str, Any]) -> None:
    inputs = [name for name in ("transactions", "feature_table") if settings.get(name)]
    if not inputs:
        raise UsageError(
            "which relation has your order lines? Name it: --transactions MODEL (or SOURCE.TABLE), "
            "or --feature-table MODEL for a ready table of one row per customer"
        )
    if len(inputs) > 1:
        raise UsageError(
            "found both transactions and feature_table; the features come from one of them. "
            "Remove the other from the command or from `vars: warehouse_seg:`"
        )


def _edited_packages(project_dir: Path) -> list[Edit]:
    """The file that lists packages, with ours; nothing where it is installed from elsewhere.

    dbt reads dependencies.yml where that has `packages`, else packages.yml, and takes no two lists. A repository may
    have any name: what a package is called stands in package-lock.yml, once `dbt deps` has seen it.
    """
    dependencies = project_dir / "dependencies.yml"
    in_dependencies = "packages" in content_of(dependencies, text_of(dependencies))
    path = dependencies if in_dependencies else project_dir / "packages.yml"
    before = text_of(path)
    lock = project_dir / "package-lock.yml"
    locked = content_of(lock, text_of(lock)).get("packages") or ()
    named = [package for package in locked if package.get("name") == PACKAGE]
    listed = content_of(path, before).get("packages") or ()
    ours = [package for package in listed if _is_ours(package)]
    if any(package.get("local") != VENDORED.as_posix() for package in (*named, *ours)):
        return []
    if ours:
        return [Edit(path, before, before)]
    return [Edit(path, before, with_item(before, "packages", {"local": VENDORED.as_posix()}))]


def _is_ours(package: Any) -> bool:
    if not isinstance(package, Mapping):
        return False
    places = (package.get(kind) for kind in ("local", "git", "package", "tarball"))
    return any(PACKAGE in str(place).replace("-", "_") for place in places)


def _edited_project(project_dir: Path, variables: Mapping[str, Any]) -> Edit:
    path = project_dir / "dbt_project.yml"
    before = after = text_of(path)
    for name, value in variables.items():
        after = with_entry(after, ("vars", PACKAGE, name), value)
    ours = ("models", PACKAGE)
    content = content_of(path, before)
    if not MATERIALIZED & block_of(content, *ours).keys():
        # A root `+materialized: view` would turn every table of the package into a view; this line outdoes it,
        # and the package's own one for staging too, which is a view of the order lines and no copy of them.
        after = with_entry(after, (*ours, "+materialized"), "table")
        after = with_entry(after, (*ours, "staging", "+materialized"), "view")
    history = (*ours, "monitoring", "history")
    if not MATERIALIZED & block_of(content, *history).keys():
        # Whatever was chosen for all tables: history has to be added to, or it would lose its past.
        after = with_entry(after, (*history, "+materialized"), "incremental")
    return Edit(path, before, after)
