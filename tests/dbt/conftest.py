"""dbt driven from pytest.

def test_it_builds(install, dbt):
    project = install(SELF_TEST_PROJECT)
    assert dbt(project, "build").exit_code == 0
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dbt.package_project import Dbt, Install, install_package, run_dbt
from tests.shop_fixtures import history_shop, stages
from warehouse_seg.resources import dbt_package_path

__all__ = ["dbt", "history_shop", "install", "stages"]


@pytest.fixture(scope="session")
def dbt() -> Dbt:
    """dbt as a program: dbt(project, "build", vars={"as_of_date": "2024-01-31"}, threads=1)."""
    return run_dbt


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """A copy of a project below tmp_path, with the package and a DuckDB file of its own."""

    def installed(project: Path, package: Path | None = None) -> Path:
        return install_package(project, tmp_path / project.name, package or dbt_package_path())

    return installed
