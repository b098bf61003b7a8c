"""The SQL type of the customer's key, read from the user's own relation before the package is set up."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from warehouse_seg.dbt.manifest import EphemeralModel, Manifest
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import SegError
from warehouse_seg.events import Emit, Event
from warehouse_seg.settings import defaults

COLUMN_NAME = re.compile(r'"?(\w+)"?')
SIMPLE_TYPE = re.compile(r"[A-Za-z ]+(\(\d+(,\s*\d+)?\))?")


def key_type(project: DbtProject, settings: Mapping[str, Any], emit: Emit) -> dict[str, str]:
    """The customer key's SQL type as the warehouse has it; nothing, and why, where it cannot be read."""
    columns = {**defaults()["columns"], **(settings.get("columns") or {})}
    try:
        relation = _input_relation(
            project, settings.get("transactions") or settings["feature_table"]
        )
        types = _column_types(project, relation)
        if settings.get("transactions"):
            _warn_of_unmapped(columns, types, relation, emit)
        sql_type = _simple_type(columns["customer_id"], types)
    except _Unknown as reason:
        emit(
            Event.warning(
                f"customer_id_type is left at its default, {defaults()['customer_id_type']}: {reason}. "
                "If the key has another type, set it under `vars: warehouse_seg:`"
            )
        )
        return {}
    emit(Event.step(f"customer_id_type is {sql_type}, as {relation} has it"))
    return {"customer_id_type": sql_type}


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
    try:
        return manifest.input_relation(place if isinstance(place, str) else tuple(place))
    except EphemeralModel as error:
        raise _Unknown(str(error)) from error


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


def _warn_of_unmapped(
    columns: Mapping[str, str | None], types: Mapping[str, str], relation: str, emit: Emit
) -> None:
    """Warn of columns that have another name in the user's relation: most projects' first mistake."""
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
