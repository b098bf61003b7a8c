"""One piece of code finds the dbt package and the SQL in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse_seg.errors import UsageError
from warehouse_seg.resources import _shipped_folder, dbt_package_path, sql_path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_a_checkout_uses_its_own_folders() -> None:
    assert dbt_package_path() == CHECKOUT / "dbt_project"
    assert sql_path() == CHECKOUT / "sql"


def test_the_dbt_package_is_one() -> None:
    assert (dbt_package_path() / "dbt_project.yml").is_file()


def test_an_installed_package_uses_what_it_carries(tmp_path: Path) -> None:
    """Even where something else in site-packages happens to have the plain name."""
    package = tmp_path / "site-packages" / "warehouse_seg"
    (package / "_sql").mkdir(parents=True)
    (tmp_path / "site-packages" / "sql").mkdir()
    assert _shipped_folder("sql", package) == package / "_sql"


def test_an_incomplete_installation_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="install warehouse-seg again") as caught:
        _shipped_folder("sql", tmp_path / "warehouse_seg")
    assert str(tmp_path / "warehouse_seg" / "_sql") in str(caught.value)
    assert str(tmp_path / "sql") in str(caught.value)
