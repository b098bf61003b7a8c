"""Versions of the model in somebody else's project: frozen categories, activations at any moment, a CI target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dbt.foreign import ForeignProject, Stages
from warehouse_seg.commands import activation
from warehouse_seg.commands import fit as jobs
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import SegError, UsageError
from warehouse_seg.registry.tables import TABLES

MARTS = (
    "seg_customer_memberships",
    "seg_customer_reasons",
    "seg_customer_segments",
    "seg_segment_profiles",
    "seg_segments",
)
SPEND_OF_VERSION_1 = ["spend_tea", "spend_gifts", "spend_other"]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages.of_this_run(tmp_path_factory.getbasetemp())


@pytest.fixture
def two_versions(stages: Stages, tmp_path: Path) -> ForeignProject:
    return stages.with_two_versions().copy(tmp_path / "project")


def spend_columns(project: ForeignProject) -> list[str]:
    columns = project.columns("seg_customer_features")
    return [name for name in columns if name.startswith("spend_")]


def registry(project: ForeignProject) -> dict[str, list[tuple[object, ...]]]:
    return {table: project.rows(f"from harbour.{table} order by all") for table in TABLES}


# ------------------------------------------------------------------------------------ frozen categories


def test_a_refresh_with_a_new_best_seller_keeps_columns_and_scoring(stages: Stages) -> None:
    before, after = stages.fitted("bigint"), stages.with_a_new_best_seller()
    assert sorted(spend_columns(before)) == sorted(SPEND_OF_VERSION_1)
    for model in ("seg_customer_features", "seg_customer_scores"):
        assert after.columns(model) == before.columns(model)
        assert len(after.contents(model)) == len(before.contents(model))
    assert after.scored_versions() == {1}
    grown = "select sum(spend_other) from harbour_analytics.seg_customer_features"
    assert after.rows(grown) > before.rows(grown)


def test_a_new_version_brings_its_categories_and_a_rollback_the_old_ones(
    stages: Stages, two_versions: ForeignProject
) -> None:
    of_version_1 = stages.with_a_new_best_seller()
    assert two_versions.active_version() == 2

    done = two_versions.dbt("run")
    assert done.exit_code == 0, done.stderr
    assert "spend_calendars" in spend_columns(two_versions)
    assert len(spend_columns(two_versions)) == len(SPEND_OF_VERSION_1)
    for model in MARTS[:3]:
        assert two_versions.scored_versions(model) == {2}

    with two_versions.parsed() as project:
        assert activation.rollback(project, "calendars are over", None).version == 1
    done = two_versions.dbt("build")
    assert done.exit_code == 0, done.stderr
    for model in ("seg_customer_features", "seg_customer_scores", *MARTS):
        assert two_versions.contents(model) == of_version_1.contents(model)


def test_a_refused_fit_changes_nothing(stages: Stages, tmp_path: Path) -> None:
    project = stages.fitted("bigint").copy(tmp_path / "project")
    project.execute("update harbour_analytics.seg_customer_rfm set recency_days = 7")
    before = registry(project)

    with project.parsed() as parsed, pytest.raises(SegError, match="recency_days"):
        jobs.fit(parsed)

    assert registry(project) == before
    assert spend_columns(project) == spend_columns(stages.fitted("bigint"))


# ------------------------------------------------------------------- an activation in the middle of a build


def test_features_of_another_version_stop_scoring_with_the_command_to_run(
    two_versions: ForeignProject,
) -> None:
    before = two_versions.contents("seg_customer_scores")

    done = two_versions.dbt("build", "--select", "seg_customer_scores")

    assert done.exit_code == 1
    assert "seg_customer_features" in done.stderr
    assert "lacks spend_calendars, needed by model version 2" in done.stderr
    assert "`dbt build`" in done.stderr
    assert two_versions.contents("seg_customer_scores") == before


def test_later_models_take_the_version_of_the_scores_whatever_is_active(
    two_versions: ForeignProject,
) -> None:
    before = {model: two_versions.contents(model) for model in MARTS}

    done = two_versions.dbt("run", "--select", *MARTS)

    assert done.exit_code == 0, done.stderr
    assert {model: two_versions.contents(model) for model in MARTS} == before


def test_profiles_of_an_older_version_say_that_the_features_are_newer(
    two_versions: ForeignProject,
) -> None:
    done = two_versions.dbt("run", "--select", "seg_customer_features", "seg_segment_profiles")
    assert done.exit_code == 1
    assert "needed by model version 1" in done.stderr
    assert "`dbt build`" in done.stderr


# ------------------------------------------------------------- a target that reads another one's registry

CI = ("--target", "ci", "--vars", "{registry_schema: harbour}")


@pytest.fixture(scope="module")
def ci(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> ForeignProject:
    """The CI target was built, with production's model."""
    project = stages.fitted("bigint").copy(tmp_path_factory.mktemp("ci") / "project")
    done = project.dbt("build", *CI)
    assert done.exit_code == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def ci_target(ci: ForeignProject) -> Iterator[DbtProject]:
    with ci.parsed(target="ci", vars={"registry_schema": "harbour"}) as project:
        yield project


def test_a_ci_target_scores_with_the_model_of_production(ci: ForeignProject) -> None:
    for model in ("seg_customer_scores", *MARTS):
        of_ci = ci.rows(f"from harbour_ci_analytics.{model} order by all")
        assert of_ci == ci.contents(model)
    tables = "select table_name from information_schema.tables where table_schema = 'harbour_ci'"
    assert not ci.rows(tables)


def test_a_ci_target_does_not_fit_into_the_registry_of_production(ci: ForeignProject) -> None:
    before = registry(ci)
    done = ci.warehouse_seg("fit", *CI)
    assert done.exit_code == 2
    assert "schema 'harbour', not its own 'harbour_ci'" in done.err
    assert "--registry harbour" in done.err
    assert registry(ci) == before


@pytest.mark.parametrize("named", [None, "harbour_ci", "raw"])
def test_a_ci_target_does_not_activate_in_the_registry_of_production(
    ci: ForeignProject, ci_target: DbtProject, named: str | None
) -> None:
    before = registry(ci)
    with pytest.raises(UsageError, match="--registry harbour"):
        activation.activate(ci_target, 1, "", named)
    with pytest.raises(UsageError, match="--registry harbour"):
        activation.rollback(ci_target, "", named)
    assert registry(ci) == before


def test_a_ci_target_writes_the_registry_of_production_where_its_name_is_repeated(
    ci: ForeignProject, ci_target: DbtProject
) -> None:
    before = registry(ci)["seg_model_activations"]
    activation.activate(ci_target, 1, "from CI", "harbour")
    added = registry(ci)["seg_model_activations"][len(before) :]
    assert [(version, reason) for _, version, _, _, reason in added] == [(1, "from CI")]
