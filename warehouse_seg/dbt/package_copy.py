"""The copy of the dbt package inside the user's project."""

from __future__ import annotations

import shutil
from pathlib import Path

from warehouse_seg.dbt.file_edits import Change
from warehouse_seg.dbt.manifest import PACKAGE
from warehouse_seg.errors import UsageError
from warehouse_seg.resources import dbt_package_path

VENDORED = Path("vendor") / PACKAGE
MADE_BY_DBT = ("target", "logs", "dbt_packages")


def copy_package(project_dir: Path) -> Change | None:
    """Copy the package beside the old copy, then swap: no step leaves half a package under its name.

    What changed, with the name of every file that went; None where the copy is the same already.
    Raises UsageError where it cannot be written; the old copy stays.
    """
    target, source = project_dir / VENDORED, dbt_package_path()
    require_folders(project_dir)
    before, after = contents(target), contents(source)
    if before == after:
        return None
    try:
        _swap(source, target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}") from error
    names = before.keys() | after.keys()
    differing = sum(before.get(name) != after.get(name) for name in names)
    how = f"updated {differing} of the" if before else "copied the dbt package,"
    gone = sorted(before.keys() - after.keys())
    removed = f"; removed what the package does not have: {', '.join(gone)}" if gone else ""
    return Change(VENDORED, f"{how} {len(after)} files{removed}")


def require_folders(project_dir: Path) -> None:
    """Raise UsageError where a file has the name of a folder that is needed."""
    for folder in (project_dir / VENDORED.parent, project_dir / VENDORED):
        if folder.exists() and not folder.is_dir():
            raise UsageError(
                f"found a file {folder}, needed a folder of that name for the dbt package; rename the file"
            )


def _swap(source: Path, target: Path) -> None:
    fresh, old = target.with_name(f".{PACKAGE}.new"), target.with_name(f".{PACKAGE}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, fresh, ignore=shutil.ignore_patterns(*MADE_BY_DBT))
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def contents(folder: Path) -> dict[str, bytes]:
    """File → content of a dbt package, without what dbt makes in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {*MADE_BY_DBT} & {*path.relative_to(folder).parts}
    }
