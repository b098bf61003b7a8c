"""A fact about the repository's shape: a number, its limit, and the places that break the limit."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Fact:
    """One row of the table. A fact without a limit always holds."""

    name: str
    value: str
    limit: str = ""
    holds: bool = True
    # What breaks the limit, or what is longest: a place and its measure, one a line.
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """A length in lines, and where it was measured."""

    lines: int
    place: str

    def __str__(self) -> str:
        return f"{self.place}: {self.lines} lines"


@dataclass(frozen=True)
class Source:
    """The text of one Python module, and what the parser made of it."""

    place: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def holds_code(self) -> bool:
        """Whether it is more than a docstring; the `__init__` of most rooms is not."""
        return len(self.tree.body) > (ast.get_docstring(self.tree) is not None)


def python_sources(root: Path, package: str) -> list[Source]:
    """Every module of the package below `root`."""
    files = sorted((root / package).rglob("*.py"))
    return [Source(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in files]


def count(name: str, places: list[str]) -> Fact:
    """A fact of which there must be none."""
    return Fact(name, str(len(places)), "0", not places, tuple(sorted(places)))


def longest(name: str, measures: list[Measure], limit: int) -> Fact:
    """The longest of several lengths, with every one over the limit."""
    lengths = sorted(measures, key=lambda measure: (-measure.lines, measure.place))
    over = [measure for measure in lengths if measure.lines > limit]
    value = f"{lengths[0].lines} ({lengths[0].place})" if lengths else "none"
    return Fact(name, value, f"at most {limit}", not over, tuple(map(str, over)))


def share(name: str, total: int, lacking: list[str]) -> Fact:
    """How many of `total` have what all must have; `lacking` are those that do not."""
    percent = 100 * (total - len(lacking)) / max(total, 1)
    # 1 of 2,000 missing must not read as 100 %.
    shown = f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.2f} %"
    return Fact(name, f"{shown} of {total}", "100 %", not lacking, tuple(sorted(lacking)))
