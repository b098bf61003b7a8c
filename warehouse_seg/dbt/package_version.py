"""The release of the dbt package in a project beside the release of this program.

The two halves speak to each other: the program renders macros, and reads settings and tables that the package declares.
Within a minor release (0.1.x) that does not change, so another patch is a warning. Another minor release may have
changed it, and a program that guesses would go wrong somewhere in the middle: it is refused.
"""

from __future__ import annotations

from importlib.metadata import version

from warehouse_seg.errors import UsageError

RENEW = "`warehouse-seg init` renews the project's copy, then run `dbt deps`"


def program_version() -> str:
    """The release of this program, as pip knows it."""
    return version("warehouse-seg")


def version_warning(package: str | None) -> str | None:
    """What to know where the dbt package is of another release than the program; None where they are of one.

    package: the version that the project's copy has; None where it is too old to say it
    Raises UsageError where their minor releases differ.
    """
    program = program_version()
    if package == program:
        return None
    copy = f"of version {package}" if package else "too old to say its version"
    difference = (
        f"the dbt package warehouse_seg in this project is {copy}, the program is {program}"
    )
    if package is not None and _minor(package) != _minor(program):
        raise UsageError(
            f"{difference}; they need the same minor release. {RENEW} (or install the program of that release: "
            f"`pip install 'warehouse-seg=={package}'`)"
        )
    return f"{difference}; {RENEW}"


def _minor(release: str) -> list[str]:
    return release.split(".")[:2]
