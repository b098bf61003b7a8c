"""Real data through small dbt projects, each installed and run as a user does it.

The projects under `projects/` are made to be looked at and copied: `cd` into one and call `warehouse-seg init`,
`dbt deps` and `warehouse-seg run`, each with `--vars '{data_folder: ...}'`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real_data import project
from tests.real_data.project import Project


@pytest.fixture(scope="session")
def complete_journey_folder() -> Path:
    return project.complete_journey_folder()


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], Project]:
    """Copies a project of `projects/` and installs the dbt package in it: install(name, data folder)."""
    return lambda name, data: project.installed(name, data, tmp_path_factory.mktemp(name))
