"""Takes the package out of a dbt project: its tables, its lines, its copy.

What was fitted, and the history, stay unless the registry is named: nobody can make them again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse_seg.dbt.file_edits import Edit, text_of, write
from warehouse_seg.dbt.manifest import PACKAGE, Manifest
from warehouse_seg.dbt.package_copy import VENDORED
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.dbt.yaml_removal import without_entry, without_item
from warehouse_seg.errors import SegError, UsageError
from warehouse_seg.events import Emit, Event, silent

INSTALLED = Path("dbt_packages") / PACKAGE
BLOCKS = (("vars", PACKAGE), ("models", PACKAGE))


@dataclass(frozen=True)
class Plan:
    """What an uninstall removes.

    relations: of the warehouse, as text of SQL: kind and name; edits: of YAML files; folders: with the package
    registry: the schema whose models stay, with the history; None where they go too
    """

    relations: list[str]
    edits: list[Edit]
    folders: list[Path]
    registry: str | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of the package."""
        return not (self.relations or self.edits or self.folders)


def planned(project: DbtProject, registry_name: str | None, emit: Emit = silent) -> Plan:
    """What there is to remove; nothing is changed.

    registry_name: the registry's schema, where its models and the history go too
    Warns of the user's models that read the package's, and where dbt cannot say which tables there are.
    """
    project.require_file()
    edits = list(_edits(project.project_dir))
    folders = [f for f in (VENDORED, INSTALLED) if (project.project_dir / f).is_dir()]
    relations, registry = [], None
    try:
        manifest = project.parsed()
    except SegError as error:
        emit(Event.warning(f"the tables are not known, since dbt cannot read the project: {error}"))
    else:
        _, registry = manifest.registry_place()
        if registry_name not in (None, registry):
            raise UsageError(
                f"found --registry {registry_name}, the registry's schema is {registry}"
            )
        for reader in manifest.readers():
            emit(
                Event.warning(
                    f"{reader} reads a model of the package, and cannot be built without it"
                )
            )
        relations = _relations(project, manifest, with_registry=registry_name is not None)
    return Plan(relations, edits, folders, None if registry_name else registry)


def uninstall(project: DbtProject, plan: Plan) -> None:
    """Remove what was planned: tables first, while dbt still knows them, so that a kill leaves nothing unknown.

    Safe to repeat. Raises UsageError where something of the user's depends on a table; nothing else is removed then.
    """
    if plan.relations:
        with project.warehouse() as warehouse:
            for relation in plan.relations:
                warehouse.execute(f"drop {relation}")
    for edit in plan.edits:
        write(edit)
    for folder in plan.folders:
        _remove(project.project_dir / folder)


def _relations(project: DbtProject, manifest: Manifest, *, with_registry: bool) -> list[str]:
    """Kind and name of what is there, what reads others first."""
    known = manifest.package_relations()
    if with_registry:
        kept = [*manifest.history_relations(), *manifest.registry_tables().values()]
        known += [("table", name) for name in kept]
    with project.warehouse(read_only=True) as warehouse:
        return [f"{kind} {name}" for kind, name in known if warehouse.has_relation(name)]


def _edits(project_dir: Path) -> Iterator[Edit]:
    path = project_dir / "dbt_project.yml"
    before = after = text_of(path)
    for block in BLOCKS:
        after = without_entry(after, block)
    if after != before:
        yield Edit(path, before, after)
    for name in ("packages.yml", "dependencies.yml"):
        path = project_dir / name
        before = text_of(path)
        after = without_item(before, "packages", {"local": VENDORED.as_posix()})
        if after != before:
            yield Edit(path, before, after)


def _remove(folder: Path) -> None:
    """The folder, or the link that `dbt deps` made to it, and the folder around it where that is empty then."""
    try:
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
        if folder.parent.name == VENDORED.parent.name and not any(folder.parent.iterdir()):
            folder.parent.rmdir()
    except OSError as error:
        raise UsageError(f"{folder} cannot be removed: {error.strerror}") from error
