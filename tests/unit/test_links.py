"""Every link between documents leads to a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [
    CHECKOUT / "README.md",
    CHECKOUT / "CHANGELOG.md",
    CHECKOUT / "CONTRIBUTING.md",
    *sorted((CHECKOUT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_resolve(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    files = [target.partition("#")[0] for target in targets if "://" not in target]
    broken = [name for name in files if name and not (page.parent / name).exists()]
    assert broken == []


def test_the_index_names_every_page() -> None:
    index = CHECKOUT / "docs" / "index.md"
    named = {
        (index.parent / name).resolve()
        for name in re.findall(r"\]\(([^)\s#]+)\)", index.read_text("utf-8"))
    }
    pages = {page for page in PAGES if page.is_relative_to(index.parent)}
    assert pages - {index} <= named
