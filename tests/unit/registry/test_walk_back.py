"""A rollback steps back on the way that the activations went, and further at each repetition."""

from __future__ import annotations

import pytest

from warehouse_seg.registry.walk_back import earlier_versions


@pytest.mark.parametrize(
    ("activations", "earlier"),
    {
        "nothing": ([], []),
        "a first fit": ([("fit", 1)], []),
        "three fits": ([("fit", 1), ("fit", 2), ("fit", 3)], [2, 1]),
        "one rollback": ([("fit", 1), ("fit", 2), ("fit", 3), ("rollback", 2)], [1]),
        "two": ([("fit", 1), ("fit", 2), ("fit", 3), ("rollback", 2), ("rollback", 1)], []),
        "a fit after one": ([("fit", 1), ("fit", 2), ("rollback", 1), ("fit", 3)], [1]),
        "any version": ([("fit", 1), ("fit", 2), ("fit", 3), ("activate", 1)], [3, 2, 1]),
        "back from it": (
            [("fit", 1), ("fit", 2), ("fit", 3), ("activate", 1), ("rollback", 3)],
            [2, 1],
        ),
        "the same once more": ([("fit", 1), ("fit", 2), ("activate", 2)], [1]),
        "to and fro": ([("fit", 1), ("fit", 2), ("activate", 1), ("activate", 2)], [1, 2, 1]),
        "a row that older releases wrote": (
            [("fit", 1), ("fit", 2), ("rollback", 1), ("rollback", 2)],
            [1],
        ),
    }.values(),
)
def test_the_way_back(activations: list[tuple[str, int]], earlier: list[int]) -> None:
    rows = [{"action": action, "model_version": version} for action, version in activations]
    assert earlier_versions(rows[::-1]) == earlier
