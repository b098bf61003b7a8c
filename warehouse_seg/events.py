"""What happens while a command works: typed events, emitted to whoever called it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Level = Literal["step", "progress", "warning"]


@dataclass(frozen=True)
class Event:
    """One line about the work.

    level: "step" for a finished step or a decision, "progress" for a detail inside a step, "warning" for what a person
        should look at although the work went on
    done, total: of the work that a progress event is part of, where that can be counted; unit: what is counted
    """

    level: Level
    text: str
    done: int | None = None
    total: int | None = None
    unit: str = "candidates"

    @classmethod
    def step(cls, text: str) -> Event:
        """A finished step, or a decision that the user should see."""
        return cls("step", text)

    @classmethod
    def progress(
        cls, text: str, done: int | None = None, total: int | None = None, unit: str = "candidates"
    ) -> Event:
        """A detail inside a step, with how much of the step is done where that can be counted."""
        return cls("progress", text, done, total, unit)

    @classmethod
    def warning(cls, text: str) -> Event:
        """Something that a person should look at; the work went on."""
        return cls("warning", text)


Emit = Callable[[Event], None]
"""Receives every event, in order; a fit emits from several threads, one event at a time."""


def silent(_event: Event) -> None:
    """Drops every event."""
