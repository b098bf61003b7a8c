"""The copy of the dbt package inside the user's project."""

from __future__ import annotations

import shutil
from pathlib import Path

from warehouse_seg.dbt.file_edits import Change
from warehouse_seg.dbt.manifest import PACKAGE
from warehouse_seg.sql.resources import dbt_package_path

VENDORED = Path("vendor") / PACKAGE
MADE_BY_DBT = ("target", "logs", "dbt_packages")


def copy_package(project_dir: Path) -> Change | None:
    """Copy the package beside the old copy, then swap: no step leaves half a package under its name.

    What changed; None where the copy is the same already.
    """
    target, source = project_dir / VENDORED, dbt_package_path()
    before, after = contents(target), contents(source)
    if before == after:
        return None
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
    return Change(VENDORED, f"{how} {len(after)} files")


def contents(folder: Path) -> dict[str, bytes]:
    """File → content of a dbt package, without what dbt makes in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {*MADE_BY_DBT} & {*path.relative_to(folder).parts}
    }
