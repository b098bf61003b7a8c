"""Adds the dbt package and its variables to an existing dbt project, inserting lines and changing none.

The package is copied into the project (`vendor/warehouse_seg`), so that a nightly `dbt build` on another machine needs
nothing of ours, `dbt deps` works offline, and the version that made the tables is in the project's own history.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse_seg.dbt.project import PACKAGE, DbtProject, Manifest
from warehouse_seg.dbt.yaml_text import read, with_entry, with_item
from warehouse_seg.errors import SegError, UsageError
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.settings import defaults
from warehouse_seg.sql.resources import dbt_package_path

VENDORED = Path("vendor") / PACKAGE
MADE_BY_DBT = ("target", "logs", "dbt_packages")
COLUMN_NAME = re.compile(r'"?(\w+)"?')
SIMPLE_TYPE = re.compile(r"[A-Za-z ]+(\(\d+(,\s*\d+)?\))?")


@dataclass(frozen=True)
class Change:
    """One file that `init` wrote, and how: a unified diff, or a sentence."""

    path: Path
    difference: str


@dataclass(frozen=True)
class Edit:
    """A file's text before and after, decided on before anything is written."""

    path: Path
    before: str
    after: str


def init(project: DbtProject, variables: Mapping[str, Any], emit: Emit = silent) -> list[Change]:
    """Vendor the dbt package, name it in packages.yml and put its variables into dbt_project.yml.

    variables: what goes under `vars: warehouse_seg:`; keys that stand there already are left as they are
    Returns what changed; nothing where everything was there. Safe to repeat: that is also how the package is updated.
    Raises UsageError before the first file is written.
    """
    written = _block(project.definition, "vars", PACKAGE)
    wanted = {name: value for name, value in variables.items() if written.get(name) is None}
    for name in variables.keys() - wanted.keys():
        emit(Event.step(f"{name} stays {written[name]}, as dbt_project.yml has it"))
    settings = {**written, **wanted}
    _refuse_input(settings)
    if "customer_id_type" not in settings:
        wanted |= _key_type(project, settings, emit)
    packages = _edited_packages(project.project_dir)
    edits = [*packages, _edited_project(project.project_dir, wanted)]
    # In this order a project is whole after each step, should this be interrupted.
    vendored = list(_vendor(project.project_dir)) if packages else []
    return [*vendored, *(_write(edit) for edit in edits if edit.after != edit.before)]


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


# ------------------------------------------------------------------------------------- the key's type


def _key_type(project: DbtProject, settings: Mapping[str, Any], emit: Emit) -> dict[str, str]:
    """The customer key's SQL type as the warehouse has it; nothing, and why, where it cannot be read."""
    columns = {**defaults()["columns"], **(settings.get("columns") or {})}
    try:
        relation = _input_relation(
            project, settings.get("transactions") or settings["feature_table"]
        )
        types = _column_types(project, relation)
        if settings.get("transactions"):
            _tell_unmapped(columns, types, relation, emit)
        key_type = _simple_type(columns["customer_id"], types)
    except _Unknown as reason:
        emit(
            Event.warning(
                f"customer_id_type is left at its default, {defaults()['customer_id_type']}: {reason}. "
                "If the key has another type, set it under `vars: warehouse_seg:`"
            )
        )
        return {}
    emit(Event.step(f"customer_id_type is {key_type}, as {relation} has it"))
    return {"customer_id_type": key_type}


def _simple_type(expression: str, types: Mapping[str, str]) -> str:
    name = _column_name(expression)
    if name is None:
        raise _Unknown(f"columns.customer_id is an expression, {expression}")
    if name not in types:
        raise _Unknown(f"there is no column {name}")
    if not SIMPLE_TYPE.fullmatch(types[name]):
        raise _Unknown(f"the key is of type {types[name]}")
    return types[name].lower()


class _Unknown(Exception):
    """The warehouse cannot say yet; the text is the reason."""


def _input_relation(project: DbtProject, place: Any) -> str:
    """The name of the user's relation as dbt writes it. Raises UsageError where dbt knows no such model or source."""
    try:
        project.call("parse")
    except SegError as error:
        raise _Unknown("dbt cannot parse the project yet") from error
    manifest = Manifest(json.loads((project.artifacts / "manifest.json").read_text("utf-8")))
    relation = manifest.input_relation(place if isinstance(place, str) else tuple(place))
    if relation is None:
        raise _Unknown(f"{place} is no table or view")
    return relation


def _column_types(project: DbtProject, relation: str) -> dict[str, str]:
    """Column → type of a relation, names in lower case."""
    try:
        with project.warehouse(read_only=True) as warehouse:
            if not warehouse.has_relation(relation):
                raise _Unknown(f"{relation} is not built yet")
            types = warehouse.column_types(f"select * from {relation}")
    except SegError as error:
        raise _Unknown(str(error)) from error
    return {name.lower(): kind for name, kind in types.items()}


def _tell_unmapped(
    columns: Mapping[str, str | None], types: Mapping[str, str], relation: str, emit: Emit
) -> None:
    """Say which columns have another name in the user's relation: most projects' first mistake."""
    names = {key: _column_name(expression or "") for key, expression in columns.items()}
    lacking = [key for key, name in names.items() if name and name not in types]
    if lacking:
        emit(
            Event.warning(
                f"{relation} has no column {', '.join(lacking)} (it has {', '.join(types)}): map them under "
                "`vars: warehouse_seg: columns:` before you build"
            )
        )


def _column_name(expression: str) -> str | None:
    """The column that an SQL expression is, or None where it computes something."""
    bare = COLUMN_NAME.fullmatch(expression)
    return bare[1].lower() if bare else None


# ------------------------------------------------------------------------------------- the two files


def _edited_packages(project_dir: Path) -> list[Edit]:
    """The file that lists packages, with ours; nothing where it is installed from elsewhere.

    dbt reads dependencies.yml where that has `packages`, else packages.yml, and takes no two lists.
    """
    dependencies = project_dir / "dependencies.yml"
    in_dependencies = "packages" in _content(dependencies, _text(dependencies))
    path = dependencies if in_dependencies else project_dir / "packages.yml"
    before = _text(path)
    packages = _content(path, before).get("packages")
    ours = [package for package in packages or () if _is_ours(package)]
    if any(package.get("local") != VENDORED.as_posix() for package in ours):
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
    before = after = _text(path)
    for name, value in variables.items():
        after = with_entry(after, ("vars", PACKAGE, name), value)
    models = _block(_content(path, before), "models", PACKAGE)
    if not {"materialized", "+materialized"} & models.keys():
        # A root `+materialized: view` would turn every table of the package into a view; this line outdoes it,
        # and the package's own one for staging too, which is a view of the order lines and no copy of them.
        for inside, materialized in (((), "table"), (("staging",), "view")):
            place = ("models", PACKAGE, *inside, "+materialized")
            after = with_entry(after, place, materialized)
    return Edit(path, before, after)


def _text(path: Path) -> str:
    """The text of a file with its own line ends, '' where there is none."""
    return path.read_bytes().decode("utf-8") if path.exists() else ""


def _content(path: Path, text: str) -> dict[str, Any]:
    try:
        return read(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _block(content: Any, *path: str) -> Mapping[str, Any]:
    """The dictionary under the path, {} where there is none: what else stands there is said by whoever adds to it."""
    for key in path:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if isinstance(content, Mapping) else {}


def _write(edit: Edit) -> Change:
    """Replace the file at once: whoever reads it meanwhile sees the old text or the new one."""
    fresh = edit.path.with_name(f".{edit.path.name}.new")
    fresh.write_bytes(edit.after.encode("utf-8"))
    fresh.replace(edit.path.resolve())
    name = edit.path.name
    lines = difflib.unified_diff(edit.before.splitlines(), edit.after.splitlines(), name, name)
    return Change(Path(name), "\n".join(line.rstrip("\n") for line in lines))


# ------------------------------------------------------------------------------------- the package's copy


def _vendor(project_dir: Path) -> Iterator[Change]:
    """Copy the package beside the old copy, then swap: no step leaves half a package under its name."""
    target, source = project_dir / VENDORED, dbt_package_path()
    before, after = _contents(target), _contents(source)
    if before == after:
        return
    fresh, old = target.with_name(f".{PACKAGE}.new"), target.with_name(f".{PACKAGE}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, fresh, ignore=shutil.ignore_patterns(*MADE_BY_DBT))
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    names = before.keys() | after.keys()
    differing = sum(before.get(name) != after.get(name) for name in names)
    how = f"updated {differing} of the" if before else "copied the dbt package,"
    yield Change(VENDORED, f"{how} {len(after)} files")


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {*MADE_BY_DBT} & {*path.relative_to(folder).parts}
    }
