"""Renders the dbt package's pure macros, and the statements in `sql/`, without dbt.

The macros in `dbt_project/macros` that take plain values are one generator of SQL with two readers: dbt renders
them inside a model, this module renders the same files with Jinja.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from warehouse_seg.resources import dbt_package_path, sql_path

PURE_FOLDERS = ("dialects", "features", "scoring", "marts", "monitoring", "settings")


def render(macro: str, *arguments: Any) -> str:
    """The text of one macro for these arguments.

    Raises AttributeError where there is no such macro, jinja2.UndefinedError where it is not a pure one.
    """
    text: str = getattr(_macros(), macro)(*arguments)
    return text.strip()


def render_statement(name: str, **values: Any) -> str:
    """The text of `sql/<name>.sql`; the macros' names are at hand inside it."""
    macros = {key: value for key, value in vars(_macros()).items() if key.startswith("seg_")}
    return _statement(name).render(**macros, **values).strip()


@cache
def _statement(name: str) -> Template:
    return _environment().from_string((sql_path() / f"{name}.sql").read_text(encoding="utf-8"))


@cache
def _environment() -> Environment:
    return Environment(undefined=StrictUndefined, extensions=["jinja2.ext.do"], autoescape=False)


@cache
def _macros() -> ModuleType | Any:
    """All macro files as one template, so that a macro may call one of another file."""
    folders = [dbt_package_path() / "macros" / folder for folder in PURE_FOLDERS]
    files = [file for folder in folders for file in sorted(folder.glob("*.sql"))]
    return _environment().from_string("\n".join(f.read_text("utf-8") for f in files)).module
