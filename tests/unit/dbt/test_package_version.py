"""The project's copy of the dbt package is compared with the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from warehouse_seg.dbt import package_version
from warehouse_seg.dbt.manifest import Manifest
from warehouse_seg.dbt.package_version import version_warning
from warehouse_seg.errors import UsageError
from warehouse_seg.resources import dbt_package_path


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_version, "program_version", lambda: "0.3.1")


def test_the_same_release_is_nothing_to_speak_of() -> None:
    assert version_warning("0.3.1") is None


@pytest.mark.parametrize("package", [None, "0.3.0", "0.3.2", "0.3.10", "0.3.1rc1"])
def test_another_patch_is_a_warning_that_says_what_to_do(package: str | None) -> None:
    warning = version_warning(package)
    assert warning is not None
    assert "0.3.1" in warning
    assert (package or "too old") in warning
    assert "`warehouse-seg init`" in warning
    assert "`dbt deps`" in warning


@pytest.mark.parametrize("package", ["0.2.1", "0.4.0", "1.3.1", "0.30.1", "9"])
def test_another_minor_release_is_refused(package: str) -> None:
    with pytest.raises(UsageError, match=r"need the same minor release.*init"):
        version_warning(package)


def test_the_package_says_its_own_version_to_dbt() -> None:
    project = YAML(typ="safe").load(Path(dbt_package_path() / "dbt_project.yml"))
    assert (
        project["models"]["warehouse_seg"]["+meta"]["warehouse_seg_version"] == project["version"]
    )


def test_the_package_has_the_version_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    project = YAML(typ="safe").load(Path(dbt_package_path() / "dbt_project.yml"))
    assert str(project["version"]) == package_version.program_version()


@pytest.mark.parametrize(
    ("package", "meta", "expected"),
    [
        ("warehouse_seg", {}, None),
        ("shop", {"warehouse_seg_version": "9"}, None),
        ("warehouse_seg", {"warehouse_seg_version": "0.1.0"}, "0.1.0"),
        ("warehouse_seg", {"warehouse_seg_version": 1.0}, "1.0"),
    ],
)
def test_the_manifest_carries_it(
    package: str, meta: dict[str, object], expected: str | None
) -> None:
    node = {"package_name": package, "resource_type": "model", "config": {"meta": meta}}
    assert Manifest({"nodes": {f"model.{package}.a": node}}).package_version() == expected


def test_a_project_without_models_has_none() -> None:
    assert Manifest({"nodes": {}}).package_version() is None
