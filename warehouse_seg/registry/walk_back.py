"""Which versions a rollback goes back to, from the activations alone, which are only ever appended.

A rollback steps back on the way that the activations went: after versions 1, 2 and 3 the first one makes 2 active, the
next one 1. Whatever is activated then goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.registry.rows import Row

ROLLBACK = "rollback"


def earlier_versions(activations: Sequence[Row]) -> list[int]:
    """The versions before the active one, the nearest first; none where a rollback has nowhere to go.

    activations: rows of `seg_model_activations`, the newest first
    """
    way: list[int] = []
    for row in reversed(activations):
        version = int(row["model_version"])
        if row["action"] == ROLLBACK and version in way:
            last = len(way) - way[::-1].index(version)
            way = way[:last]
        elif not way or way[-1] != version:
            way.append(version)
    return way[-2::-1] if len(way) > 1 else []
