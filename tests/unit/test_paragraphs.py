"""A paragraph of a document is short enough to be read: at most six lines. Generated pages are not typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
GENERATED = {CHECKOUT / "docs" / "proof" / name for name in ("evidence.md", "kills.md")}
PAGES = sorted(
    {CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *(CHECKOUT / "docs").rglob("*.md")}
    - GENERATED
)
MOST_LINES = 6
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NO_PROSE = ("|", "#", "- ", "* ", "    ")


def paragraphs(text: str) -> Iterator[list[str]]:
    """Blocks of prose: no code, table, heading or list."""
    for block in re.split(r"\n\s*\n", FENCED.sub("\n", text)):
        lines = block.strip("\n").splitlines()
        if lines and not lines[0].startswith(NO_PROSE) and not re.match(r"\d+\. ", lines[0]):
            yield lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_paragraphs_are_short(page: Path) -> None:
    long = [lines[0] for lines in paragraphs(page.read_text("utf-8")) if len(lines) > MOST_LINES]
    assert long == []


def test_the_check_sees_a_long_paragraph() -> None:
    assert [len(lines) for lines in paragraphs("# a\n\n" + "b\n" * 7 + "\n```\nc\n\nd\n```\n")] == [
        7
    ]
