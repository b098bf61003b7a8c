"""Fixtures around the small shop, for the folders whose conftest.py imports them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.process_runner import Finished
from tests.small_shop import Shop, Stages, environment_of
from warehouse_seg.cli import app as cli
from warehouse_seg.cli import output
from warehouse_seg.dbt.manifest import PACKAGE
from warehouse_seg.dbt.project import DbtProject


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages.of_this_run(tmp_path_factory.getbasetemp())


@pytest.fixture
def features_shop(stages: Stages, tmp_path: Path) -> Shop:
    """A copy of the shop before its first fit, the features built."""
    return stages.with_features().copy(tmp_path / "shop")


@pytest.fixture
def scored_shop(stages: Stages, tmp_path: Path) -> Shop:
    """A copy of the shop in which version 1 is active and every table is built."""
    return stages.scored().copy(tmp_path / "shop")


@pytest.fixture
def history_shop(stages: Stages, tmp_path: Path) -> Shop:
    """A copy of the scored shop with five months of history."""
    return stages.with_history().copy(tmp_path / "shop")


Command = Callable[..., Finished]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`warehouse-seg …` inside this process: command(shop, "models", "--json").

    Saves the seconds of dbt's start: what it would answer is taken from the shop's files and last build.
    """
    monkeypatch.setattr(DbtProject, "call", _no_dbt)
    monkeypatch.setattr(DbtProject, "parsed", DbtProject.last_manifest)
    monkeypatch.setattr(DbtProject, "parsed_before", DbtProject.last_manifest)
    monkeypatch.setattr(DbtProject, "environment", property(environment_of))
    # Whatever window the tests are run in.
    monkeypatch.setattr(output.out, "width", output.PIPE_WIDTH)

    def run(shop: Shop, *arguments: str) -> Finished:
        monkeypatch.chdir(shop.folder)
        monkeypatch.setattr("sys.argv", ["warehouse-seg", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Finished(int(ended.value.code or 0), printed.out, printed.err)

    return run


def _no_dbt(_: DbtProject, *arguments: str) -> None:
    raise AssertionError(f"start dbt for {arguments}: shop.warehouse_seg(…)")


def set_effective(shop: Shop, **variables: Any) -> None:
    """Change variables of a shop as `dbt parse` would report them, for `command`."""
    path = shop.folder / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    features = manifest["nodes"][f"model.{PACKAGE}.seg_customer_features"]
    settings = features["config"]["meta"][PACKAGE]
    for name, value in variables.items():
        settings[name] = settings[name] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(manifest))
