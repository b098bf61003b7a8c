"""Where the dbt package and the SQL files lie: beside this package in a checkout, inside it when installed.

The wheel carries `dbt_project/` as `warehouse_seg/_dbt_project/` and `sql/` as `warehouse_seg/_sql/`
(`[tool.hatch.build.targets.wheel.sources]` in pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

from warehouse_seg.errors import UsageError

PACKAGE = Path(__file__).resolve().parent


def dbt_package_path() -> Path:
    """The folder of the dbt package: what a user's packages.yml names under `local:`."""
    return _shipped_folder("dbt_project", PACKAGE)


def sql_path() -> Path:
    """The folder of the statements that the Python layer runs."""
    return _shipped_folder("sql", PACKAGE)


def _shipped_folder(name: str, package: Path) -> Path:
    """The folder inside the installed package, else the one beside the package of a checkout."""
    places = (package / f"_{name}", package.parent / name)
    for place in places:
        if place.is_dir():
            return place
    looked = " nor ".join(str(place) for place in places)
    raise UsageError(
        f"The installation is incomplete: neither {looked} exists. "
        "Both a checkout and a wheel carry it; install warehouse-seg again."
    )
