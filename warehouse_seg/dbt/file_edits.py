"""Edits of YAML files: decided on first, then written one file at a time, each shown as a difference."""

from __future__ import annotations

import contextlib
import difflib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse_seg.dbt.yaml_text import read
from warehouse_seg.errors import UsageError


@dataclass(frozen=True)
class Change:
    """One file or folder that was written, and how: a unified diff, or a sentence."""

    path: Path
    difference: str


@dataclass(frozen=True)
class Edit:
    """A file's text before and after, decided on before anything is written."""

    path: Path
    before: str
    after: str

    @property
    def difference(self) -> str:
        """What the edit changes, as a unified diff."""
        name = self.path.name
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), name, name)
        return "\n".join(line.rstrip("\n") for line in lines)


def text_of(path: Path) -> str:
    """The text of a file with its own line ends, '' where there is none.

    Raises UsageError where it cannot be read, or is not UTF-8, which dbt needs.
    """
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path}, line {line}: found bytes that are not UTF-8, needed UTF-8 as dbt does. "
            "Save the file as UTF-8 in your editor, then run this again"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def content_of(path: Path, text: str) -> dict[str, Any]:
    """The YAML in a file's text. Raises UsageError, naming the file, where it is no dictionary."""
    try:
        return read(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def block_of(content: Any, *path: str) -> Mapping[str, Any]:
    """The dictionary under the path, {} where there is none: what else stands there is said by whoever adds to it."""
    for key in path:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if isinstance(content, Mapping) else {}


def write(edit: Edit) -> Change:
    """Replace the file at once: whoever reads it meanwhile sees the old text or the new one. Its mode stays.

    Raises UsageError where the folder cannot be written; the file is as it was then.
    """
    place = edit.path.resolve()
    fresh = place.with_name(f".{place.name}.new")
    try:
        fresh.write_bytes(edit.after.encode("utf-8"))
        if place.exists():
            shutil.copymode(place, fresh)
        fresh.replace(place)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise UsageError(
            f"{edit.path} cannot be written: {error.strerror}; it is as it was"
        ) from error
    return Change(Path(edit.path.name), edit.difference)
