"""Talk while working: a job tells one line at a time to whoever called it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]


def silent(_line: str) -> None:
    """Nobody listens."""
