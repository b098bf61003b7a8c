"""Unit tests stand where their subject stands: each folder in tests/unit is a room of the package, or `tools`."""

from __future__ import annotations

from pathlib import Path

import pytest

import warehouse_seg

UNIT_TESTS = Path(__file__).parent
PACKAGE = Path(warehouse_seg.__file__).parent


def folders(parent: Path) -> set[str]:
    """The folders of `parent` that hold Python files of their own."""
    return {path.parent.name for path in parent.glob("*/*.py")}


def strays(unit_tests: Path, package: Path) -> set[str]:
    """Folders of unit tests without a room."""
    return folders(unit_tests) - folders(package) - {"tools"}


def test_each_folder_of_unit_tests_is_a_room() -> None:
    assert not strays(UNIT_TESTS, PACKAGE)


@pytest.mark.parametrize(("folder", "expected"), [("orders", set()), ("attic", {"attic"})])
def test_a_folder_without_a_room_is_seen(tmp_path: Path, folder: str, expected: set[str]) -> None:
    for file in ("package/orders/lines.py", f"unit/{folder}/test_lines.py", "unit/tools/test_x.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert strays(tmp_path / "unit", tmp_path / "package") == expected
