"""The committed SQL is what the macros make today."""

from __future__ import annotations

from pathlib import Path

from tools.generate_sql import write
from warehouse_seg.resources import sql_path


def _texts(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in files}


def test_committed_sql_is_fresh(tmp_path: Path) -> None:
    write(tmp_path)
    fresh, committed = _texts(tmp_path), _texts(sql_path() / "generated")
    stale = sorted(name for name in fresh | committed if fresh.get(name) != committed.get(name))
    assert not stale, f"run `make generated` and commit: {', '.join(stale)}"
