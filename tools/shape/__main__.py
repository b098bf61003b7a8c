"""Prints facts about the repository's shape and exits with 1 where one breaks its limit: `make shape`.

`--verbose` prints every place that breaks a limit, and the ten longest modules, functions and macros.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.shape import modules, sql_text
from tools.shape.facts import Fact, Measure, python_sources
from tools.shape.imports import import_facts, read_layers

CHECKOUT = Path(__file__).resolve().parents[2]
# As many as a person mends before looking again.
PLACES = 5


def measure(root: Path) -> list[Fact]:
    """Every fact about the checkout at `root`, whose package must be importable from there."""
    package = read_layers(root).package
    sources = python_sources(root, package)
    return [*import_facts(root), *modules.module_facts(sources), *sql_text.sql_facts(root, package)]


def table(facts: list[Fact], places: int | None = None) -> str:
    """One line a fact; below a fact that fails, the first `places` places to change, or all of them."""
    width = max(len(fact.name) for fact in facts)
    lines = []
    for fact in facts:
        limit = f"   must be {fact.limit}" if fact.limit else ""
        lines.append(f"{' ' if fact.holds else '✗'} {fact.name:<{width}}  {fact.value}{limit}")
        if not fact.holds:
            lines += [f"      {place}" for place in fact.places[:places]]
            hidden = len(fact.places) - len(fact.places[:places])
            lines += [f"      and {hidden} more: python -m tools.shape --verbose"] if hidden else []
    return "\n".join(lines)


def lists(root: Path) -> str:
    """The ten longest modules, functions and macros."""
    sources = python_sources(root, read_layers(root).package)
    lengths = {
        "modules": modules.module_lengths(sources),
        "functions": modules.function_lengths(sources),
        "macros": sql_text.macro_lengths(root),
    }
    return "\n\n".join(_ten(kind, measures) for kind, measures in lengths.items())


def _ten(kind: str, measures: list[Measure]) -> str:
    lengths = sorted(measures, key=lambda measure: -measure.lines)[:10]
    return "\n".join([f"longest {kind}", *(f"{m.lines:6}  {m.place}" for m in lengths)])


def main(arguments: list[str]) -> int:
    """The exit status: 1 where a fact breaks its limit."""
    parser = argparse.ArgumentParser(prog="python -m tools.shape", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="all places, and the ten longest")
    verbose = parser.parse_args(arguments).verbose
    facts = measure(CHECKOUT)
    print(table(facts, None if verbose else PLACES))
    if verbose:
        print(f"\n{lists(CHECKOUT)}")
    return int(not all(fact.holds for fact in facts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
