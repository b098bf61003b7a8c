"""The benchmarks start, and compare what is equal: they run too seldom for a renamed step to be seen otherwise."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tools.benchmarks import layouts, population, scoring, tpch

REPETITIONS = 2


@pytest.mark.parametrize("module", [scoring, population, tpch])
def test_arguments_reach_the_benchmark(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(module, "benchmark", lambda *given: asked.append(given))
    monkeypatch.setattr("sys.argv", ["benchmark", "--repetitions", str(REPETITIONS)])
    module.main()
    assert asked
    assert {repetitions for _, repetitions in asked} == {REPETITIONS}


@pytest.mark.parametrize("module", [scoring, population, tpch])
def test_an_unknown_way_is_refused(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmark", "--measure", "on foot"])
    with pytest.raises(SystemExit):
        module.main()


def test_every_layout_gives_the_memberships_that_are_shipped() -> None:
    """`measured` raises where one does not."""
    results = layouts.measured(size=3, segments=2, rows=100, repetitions=1)
    assert len(results) == 5


def test_another_membership_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "expanded_joint", lambda component, pairs: "0e0")
    with pytest.raises(AssertionError, match="found memberships"):
        layouts.measured(size=3, segments=2, rows=100, repetitions=1)
