"""Every unit test that the dbt package defines in its YAML is run by dbt, and passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.dbt.package_project import SELF_TEST_PROJECT, Dbt, Install, copy_package, statuses
from warehouse_seg.resources import dbt_package_path


def defined_unit_tests() -> set[str]:
    files = dbt_package_path().glob("models/**/*.yml")
    contents = [YAML(typ="safe").load(file) for file in files]
    return {test["name"] for content in contents for test in content.get("unit_tests", [])}


def test_every_test_named_in_the_decisions_exists() -> None:
    """`seg_…` names something of the package wherever docs/explanation/features.md says it."""
    decisions = (dbt_package_path().parent / "docs" / "explanation" / "features.md").read_text(
        "utf-8"
    )
    files = {file.stem for file in dbt_package_path().rglob("seg_*.*")}
    named_in_yaml = {
        name
        for file in dbt_package_path().glob("models/**/*.yml")
        for name in re.findall(r"name: (seg_\w+)", file.read_text("utf-8"))
    }
    named = set(re.findall(r"`(seg_\w+)`", decisions))
    assert len(named) >= 30
    assert named - files - named_in_yaml == set()


@pytest.mark.both_duckdb
def test_every_unit_test_of_the_package_runs_and_passes(install: Install, dbt: Dbt) -> None:
    project = install(SELF_TEST_PROJECT)
    done = dbt(project, "build")
    assert done.exit_code == 0, done.stderr
    assert statuses(project, "unit_test") == dict.fromkeys(defined_unit_tests(), "pass")
    assert len(defined_unit_tests()) >= 39


def test_planted_faults_are_found(install: Install, dbt: Dbt, tmp_path: Path) -> None:
    """A wholly refunded order counts, as_of_date is inclusive, undated lines are seen, lines alike are merged."""
    package = copy_package(
        tmp_path / "package",
        ("seg_customer_history", "net_amount > 0 or", "net_amount >= 0 or"),
        ("seg_customer_history", "'< ' ~ seg_date", "'<= ' ~ seg_date"),
        ("seg_customer_history", "else 'is not null'", "else 'is not null or true'"),
        ("seg_order_lines", "select\n", "select distinct\n"),
    )
    named = {
        "seg_order_wholly_refunded_is_no_order",
        "seg_lines_on_and_after_as_of_date_are_not_seen",
        "seg_as_of_date_is_the_day_after_the_last_line",
        "seg_lines_exactly_alike_are_all_kept",
    }
    project = install(SELF_TEST_PROJECT, package)
    dbt(project, "run", "--empty", "--select", "+seg_customer_rfm")
    assert dbt(project, "test", "--select", *named).exit_code == 1
    assert statuses(project, "unit_test") == dict.fromkeys(named, "fail")
