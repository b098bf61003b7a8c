"""What dbt makes of the variables: merged over the defaults, and a mistake is an error that says what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dbt.package_project import SELF_TEST_PROJECT, Dbt, Install, artifact, install_package
from warehouse_seg.resources import dbt_package_path
from warehouse_seg.settings import settings_from

FEATURES = "model.warehouse_seg.seg_customer_features"

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt nested key": (
        {"tiers": {"dominnat": 0.9}},
        "no setting `tiers.dominnat`. Did you mean `dominant`? Valid here: dominant, hybrid.",
    ),
    "a key deep down": (
        {"model": {"segments": {"max": 4, "xyz": 1}}},
        "no setting `model.segments.xyz`. Valid here: min, max.",
    ),
    "a value instead of keys": (
        {"columns": "customer_id"},
        "`columns` is customer_id, but has keys",
    ),
    "a list instead of a number": (
        {"categories": ["fiction", "travel"]},
        "`categories` is ['fiction', 'travel'], needed a number",
    ),
    "a text instead of true or false": (
        {"allow_missing_model": "false"},
        "`allow_missing_model` is false, needed true or false",
    ),
    "a date of another shape": ({"as_of_date": "31.12.2024"}, "Write a date as 'YYYY-MM-DD'"),
    "one name for two segments": (
        {"segment_names": {"s1": "Champions", "s2": "Champions"}},
        "`segment_names` names s1 'Champions', and s2 has that name as well",
    ),
    "a name with a control character": (
        {"segment_names": {"s1": "Cham\tpions"}},
        "needed a text of 1 to 200 characters without control characters and backslashes",
    ),
    "a name that a spreadsheet calculates": (
        {"segment_names": {"s1": "=HYPERLINK(0)"}},
        "that does not begin with = + - @",
    ),
    "two inputs": ({"feature_table": "self_test_ready_table"}, "both `transactions` and"),
    "a room without the one that it reads": (
        {"rooms": {"scoring": False}},
        "has scoring off and marts on, which reads it. Set `rooms: {marts: false}` as well",
    ),
    "a room that does not exist": (
        {"rooms": {"mart": False}},
        "no setting `rooms.mart`. Did you mean `marts`? Valid here: features, scoring, marts,",
    ),
    "an input of another shape": ({"transactions": ["a", "b", "c"]}, "Write a model as `name`"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings") / "project"
    return install_package(SELF_TEST_PROJECT, folder, dbt_package_path())


def with_block(project: Path, block: str) -> Path:
    """The project with other text as its `vars: warehouse_seg:`."""
    definition = project / "dbt_project.yml"
    before, _, _ = definition.read_text().partition("vars:")
    definition.write_text(f"{before}vars:\n  warehouse_seg:\n{block}")
    return project


@pytest.mark.parametrize(("variables", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_stops_the_parse_with_what_to_write(
    project: Path, dbt: Dbt, variables: dict[str, Any], message: str
) -> None:
    done = dbt(project, "parse", vars=variables)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_misspelt_variable_of_the_block_is_found(install: Install, dbt: Dbt) -> None:
    project = with_block(install(SELF_TEST_PROJECT), "    transaction: self_test_order_lines\n")
    assert "Did you mean `transactions`?" in dbt(project, "parse").stderr


def test_one_key_given_leaves_the_others_as_they_are_by_default(install: Install, dbt: Dbt) -> None:
    """From dbt_project.yml and from --vars, as Python merges them; YAML's dates and nulls included."""
    block = """
    transactions: self_test_order_lines
    columns: {category: null}
    model: {segments: {max: 4}, seed: null}
    as_of_date: 2024-01-31
    segment_names: {s1: "it's mine"}
    """
    project = with_block(install(SELF_TEST_PROJECT), block)
    done = dbt(project, "--warn-error", "parse", vars={"tiers": {"dominant": 0.9}})
    assert done.exit_code == 0, done.stderr
    effective = artifact(project, "manifest")["nodes"][FEATURES]["config"]["meta"]["warehouse_seg"]
    given = {
        "transactions": "self_test_order_lines",
        "columns": {"category": None},
        "model": {"segments": {"max": 4}},
        "as_of_date": "2024-01-31",
        "tiers": {"dominant": 0.9},
        "segment_names": {"s1": "it's mine"},
    }
    assert effective == settings_from(given).model_dump(mode="json")


def enabled_models(project: Path) -> list[str]:
    return sorted(
        node["name"]
        for node in artifact(project, "manifest")["nodes"].values()
        if node["package_name"] == "warehouse_seg"
        and node["resource_type"] == "model"
        and node["config"]["enabled"]
    )


@pytest.mark.parametrize(
    ("off", "left"),
    [
        (("marts",), ["features", "scoring", "staging"]),
        (("marts", "scoring"), ["features", "staging"]),
        (("marts", "scoring", "features"), []),
    ],
)
def test_a_room_that_is_off_builds_nothing(
    project: Path, dbt: Dbt, off: tuple[str, ...], left: list[str]
) -> None:
    """And no data test of it is left over, which would fail for want of its table."""
    done = dbt(project, "--warn-error", "parse", vars={"rooms": dict.fromkeys(off, False)})
    assert done.exit_code == 0, done.stderr
    models = dbt_package_path() / "models"
    assert enabled_models(project) == sorted(
        file.stem for room in left for file in (models / room).glob("*.sql")
    )
    tested = {
        model
        for node in artifact(project, "manifest")["nodes"].values()
        if node["resource_type"] == "test" and node["config"]["enabled"]
        for model in node["depends_on"]["nodes"]
        if model.startswith("model.warehouse_seg.")
    }
    assert {model.split(".")[-1] for model in tested} <= set(enabled_models(project))


def test_a_package_without_variables_adds_nothing_and_says_nothing(
    install: Install, dbt: Dbt
) -> None:
    project = with_block(install(SELF_TEST_PROJECT), "    transactions: null\n")
    assert dbt(project, "--warn-error", "parse").exit_code == 0
    ours = [
        node["name"]
        for node in artifact(project, "manifest")["nodes"].values()
        # dbt 1.11 lists the data tests of a disabled model, disabled.
        if node["package_name"] == "warehouse_seg" and node["config"]["enabled"]
    ]
    assert ours == []
