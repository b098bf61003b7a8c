"""The wheel is whole: installed by pip into a fresh environment, far from the checkout, it does the main job."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PLACES_IN_WHEEL = {
    "warehouse_seg": "warehouse_seg",
    "dbt_project": "warehouse_seg/_dbt_project",
    "sql": "warehouse_seg/_sql",
}

pytestmark = pytest.mark.slow


def run(*command: str | Path, folder: Path) -> str:
    """The standard output of a program, started where neither the checkout nor PYTHONPATH is in reach."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command} said:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built the way a release is: the wheel from the source distribution, so that this one is whole too."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, CHECKOUT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but an environment into which pip installed the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", folder / "environment", folder=folder)
    pip = (program(folder, "python"), "-m", "pip", "install", "--no-compile", "-qq")
    run(*pip, wheel, folder=folder)
    return folder


def program(folder: Path, name: str) -> Path:
    return folder / "environment" / "bin" / name


def tracked_files(folder: str) -> set[str]:
    """The files of a folder that git knows, or will once they are added; never what it ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if (CHECKOUT / name).is_file()}


def test_wheel_carries_every_file_unchanged(wheel: Path) -> None:
    expected = {
        name.replace(folder, place, 1): (CHECKOUT / name).read_bytes()
        for folder, place in PLACES_IN_WHEEL.items()
        for name in tracked_files(folder)
    }
    with zipfile.ZipFile(wheel) as archive:
        carried = {n: archive.read(n) for n in archive.namelist() if ".dist-info/" not in n}
    assert carried == expected


def test_wheel_carries_the_heart_of_the_product(wheel: Path) -> None:
    """The partner of the comparison above, which two empty folders would pass."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for name in (
        "warehouse_seg/py.typed",
        "warehouse_seg/_dbt_project/dbt_project.yml",
        "warehouse_seg/_dbt_project/macros/scoring/mixture.sql",
    ):
        assert name in names
    assert any(name.startswith("warehouse_seg/_sql/generated/duckdb/") for name in names)


def test_wheel_carries_nothing_of_the_maintainers(wheel: Path) -> None:
    """Neither the tests nor the programs of tools/, the writer of sql/generated/ among them."""
    with zipfile.ZipFile(wheel) as archive:
        names = [Path(name) for name in archive.namelist()]
    folders = {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")}
    assert folders == {"warehouse_seg"}
    own = {Path(name).name for name in tracked_files("warehouse_seg")}
    maintainers_own = {
        Path(name).name for folder in ("tools", "tests") for name in tracked_files(folder)
    } - own
    assert {"generate_sql.py", "test_wheel.py"} <= maintainers_own
    assert not maintainers_own & {name.name for name in names}


def test_installed_program_says_where_its_dbt_package_is(elsewhere: Path) -> None:
    printed = Path(run(program(elsewhere, "warehouse-seg"), "dbt-path", folder=elsewhere).strip())
    assert printed.is_relative_to(elsewhere / "environment")
    assert (printed / "dbt_project.yml").is_file()


def test_installed_program_does_the_main_job(elsewhere: Path) -> None:
    run(program(elsewhere, "warehouse-seg"), "demo", "--customers", "2000", folder=elsewhere)
    (file,) = elsewhere.glob("*/*.duckdb")
    with duckdb.connect(str(file), read_only=True) as database:
        (schema,) = database.execute(
            "select table_schema from information_schema.tables where table_name = ?",
            ["seg_customer_segments"],
        ).fetchone() or (None,)
        customers = database.execute(f'select count(*) from "{schema}".seg_customer_segments')
        assert 0 < customers.fetchall()[0][0] <= 2000
