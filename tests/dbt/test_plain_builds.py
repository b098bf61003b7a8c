"""A plain `dbt build` is all that a night needs: by package or tag, with warnings as errors, in slim CI."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.dbt.foreign import ForeignProject, Stages
from tests.dbt_folder import succeeded

STATE = "production_state"
DEFERRED = ("--defer", "--state", STATE, "--target", "ci")


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages.of_this_run(tmp_path_factory.getbasetemp())


@pytest.fixture
def ci(stages: Stages, tmp_path: Path) -> ForeignProject:
    """A checkout for CI: an empty schema of its own, production's manifest, production's registry."""
    project = stages.fitted("bigint").copy(tmp_path / "project")
    project.set(("vars", "warehouse_seg", "registry_schema"), "harbour")
    succeeded(project.dbt("parse"))
    shutil.copytree(project.folder / "target", project.folder / STATE)
    return project


def tables(project: ForeignProject, schema: str) -> set[str]:
    rows = project.rows(
        f"select table_name from information_schema.tables where table_schema = '{schema}'"
    )
    return {name for (name,) in rows}


def test_warnings_as_errors(stages: Stages, tmp_path: Path) -> None:
    project = stages.fitted("bigint").copy(tmp_path / "project")
    succeeded(project.dbt("--warn-error", "build"))
    assert set(project.statuses().values()) <= {"success", "pass"}


@pytest.mark.parametrize("selection", ["package:warehouse_seg", "tag:nightly"])
def test_a_night_by_package_or_tag(stages: Stages, tmp_path: Path, selection: str) -> None:
    project = stages.fitted("bigint").copy(tmp_path / "project")
    project.set(("models", "warehouse_seg", "+tags"), "nightly")
    before = project.contents("seg_customer_segments")
    project.execute("delete from harbour_analytics.seg_customer_segments")
    succeeded(project.dbt("build", "--select", selection))
    built = {node for node in project.statuses() if node.startswith("model.")}
    assert {node.split(".")[1] for node in built} == {"warehouse_seg"}
    assert project.contents("seg_customer_segments") == before


def test_slim_ci_of_a_changed_parent(ci: ForeignProject) -> None:
    lines = ci.folder / "models" / "staging" / "basket_lines.sql"
    lines.write_text(lines.read_text() + "\n-- a change\n")
    succeeded(ci.dbt("build", "--select", "state:modified+", *DEFERRED))
    built = tables(ci, "harbour_ci_analytics")
    assert {"basket_lines", "seg_customer_features", "seg_customer_segments"} <= built
    assert "seg_customer_scores" in built


def test_slim_ci_of_the_marts_alone_reads_production(ci: ForeignProject) -> None:
    succeeded(ci.dbt("build", "--select", "seg_customer_segments+", *DEFERRED))
    built = tables(ci, "harbour_ci_analytics")
    assert {"seg_customer_segments", "seg_segments"} <= built
    assert "seg_customer_scores" not in built, "production's"
    own = ci.rows("from harbour_ci_analytics.seg_customer_segments order by all")
    assert own == ci.contents("seg_customer_segments")


def test_slim_ci_without_a_change_builds_nothing(ci: ForeignProject) -> None:
    succeeded(ci.dbt("build", "--select", "state:modified+", *DEFERRED))
    assert not tables(ci, "harbour_ci_analytics")
