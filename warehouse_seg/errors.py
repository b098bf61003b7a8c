"""What can go wrong, and the exit code that says so.

Every message has three parts: what was found, what was needed, what to do next. Whoever calls the program
(a person, a scheduler) tells the cases apart by the exit code alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SegError(Exception):
    """An error that this package foresaw; its text is for the user, without a traceback."""

    exit_code = 2


class DbtFailed(SegError):
    """A dbt model or test failed."""

    exit_code = 1


class UsageError(SegError):
    """The command, the configuration or the environment is not as needed; nothing was changed."""

    exit_code = 2


class Refused(SegError):
    """A quality gate said no; nothing was changed."""

    exit_code = 3


def nearest(name: str, valid: Iterable[str]) -> str:
    """The hint `; did you mean 'x'?` with the nearest valid name, or nothing when none is near.

    >>> nearest("dominnat", ["dominant", "hybrid"])
    "; did you mean 'dominant'?"
    """
    matches = get_close_matches(name, list(valid), n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""
