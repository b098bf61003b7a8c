"""`docs/architecture.md` is true: its files exist, every room is named, its layers are import-linter's."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "architecture.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
ROOTS = ("warehouse_seg/", "dbt_project/", "sql/", "tests/", "tools/", "docs/")


def rows(section: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


PATHS = sorted(path for path in set(re.findall(r"`([^`\n]+)`", PAGE)) if path.startswith(ROOTS))


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path: str) -> None:
    assert (CHECKOUT / path).exists()


def test_there_are_ten_questions_and_each_names_one_file() -> None:
    answers = rows("Ten questions")
    assert len(answers) == 10
    for question, answer in answers:
        assert question.endswith("?")
        assert (CHECKOUT / answer.strip("`")).is_file()


def test_every_room_is_named() -> None:
    rooms = {file.parent.name for file in (CHECKOUT / "warehouse_seg").glob("*/__init__.py")}
    named = set(re.findall(r"`warehouse_seg/(\w+)/`", SECTIONS["The rooms"]))
    assert named == rooms


def test_the_layers_are_those_that_import_linter_holds() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    (layers,) = [
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    shown = [row[0].strip("`").replace("\\|", "|") for row in rows("The rooms") if row[0]]
    assert shown == layers
