"""The package's data tests pass on sound tables, and each finds the fault that is planted for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dbt.package_project import (
    SELF_TEST_PROJECT,
    Dbt,
    artifact,
    execute,
    install_package,
    statuses,
)
from warehouse_seg.resources import dbt_package_path

ORDER_LINES = """
create or replace view self_test_order_lines as
select
    'c' || cast(i % 7 as varchar) as customer_id,
    'o' || cast(i as varchar) as order_id,
    cast('2024-01-01' as timestamp) + to_days(cast(i // 100 as integer)) as ordered_at,
    cast(i % 11 - 1 as decimal(18, 4)) as amount,
    'category ' || cast(i % 3 as varchar) as category
from range(5000) as lines(i)
"""

RANGE_FAULTS = {
    "recency below 1": "recency_days = 0",
    "nothing counted": "order_count = null",
    "spend that is no number": "net_spend = 'NaN'",
    "infinite spend": "net_spend = '-infinity'",
    "a gap below 0": "days_between_orders = -1",
    "entropy below 0": "category_entropy = -0.001",
}

UNIT_TESTS_OFF = {"seg_self_test": False}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, dbt: Dbt) -> Path:
    """The package's tables built over 5,000 order lines."""
    folder = tmp_path_factory.mktemp("data_tests") / "project"
    built = install_package(SELF_TEST_PROJECT, folder, dbt_package_path())
    execute(built, ORDER_LINES)
    done = dbt(built, "build", "--exclude", "self_test_order_lines", vars=UNIT_TESTS_OFF)
    assert done.exit_code == 0, done.stderr
    return built


def failures(project: Path, dbt: Dbt, *faults: str, mend: str) -> dict[str, int]:
    """Data test → rows it found, of those that found any once the faults were planted; the tables are mended again."""
    execute(project, *faults)
    dbt(project, "test", vars=UNIT_TESTS_OFF)
    failed = artifact(project, "run_results")["results"]
    execute(project, mend)
    return {r["unique_id"].split(".")[2]: r["failures"] for r in failed if r["failures"]}


def test_all_pass_on_sound_tables(project: Path) -> None:
    assert set(statuses(project, "test").values()) == {"pass"}
    assert execute(project, "select count(*) from seg_customer_features") == [(7,)]


def test_ranges_find_every_row_out_of_range(project: Path, dbt: Dbt) -> None:
    kept = "create table kept as from seg_customer_rfm"
    faults = [
        f"update seg_customer_rfm set {fault} where customer_id = 'c{number}'"
        for number, fault in enumerate(RANGE_FAULTS.values())
    ]
    segments = """
        insert into seg_segments (segment_key, weight, customers, customer_share, expected_customers, revenue) values
        ('share above 1', 0.5, 1, 1.5, 1, 1),
        ('customers below 0', 0.5, -1, 0.5, 1, 1),
        ('infinite money', 0.5, 1, 0.5, 1, 'infinity'),
        ('without money or customers', 0.5, 0, null, 0, null)
    """
    mend = "create or replace table seg_customer_rfm as from kept; delete from seg_segments"
    failed = failures(project, dbt, kept, *faults, segments, mend=mend)
    assert failed["seg_customer_rfm_ranges"] == len(RANGE_FAULTS)
    assert failed["seg_segments_ranges"] == 3


def test_a_key_that_is_twice_there_and_one_that_is_null_are_found(project: Path, dbt: Dbt) -> None:
    failed = failures(
        project,
        dbt,
        "insert into seg_customer_features select * from seg_customer_features where customer_id = 'c1'",
        "insert into seg_customer_features (as_of_date) values (date '2024-01-31')",
        mend="create or replace table seg_customer_features as select distinct * from seg_customer_features "
        "where customer_id is not null",
    )
    assert failed["seg_customer_features_key"] == 2


def test_a_lost_cent_is_found(project: Path, dbt: Dbt) -> None:
    change = (
        "update seg_customer_features set net_spend = net_spend {} 0.01 where customer_id = 'c1'"
    )
    failed = failures(project, dbt, change.format("-"), mend=change.format("+"))
    assert failed == {"seg_net_spend_survives": 1}


def test_far_future_and_incomplete_lines_are_named_with_their_number(
    project: Path, dbt: Dbt
) -> None:
    """A line 32 and one 31 days after the usual last day, and a line with nothing in it."""
    strange = ORDER_LINES + "".join(
        f"union all select 'c1', 'late', timestamp '{day}', 0.0, 'category 1' "
        for day in ("2024-03-21", "2024-03-22")
    )
    execute(project, strange + "union all select null, null, null, null, null")
    done = dbt(project, "run", "--select", "seg_order_line_checks", vars=UNIT_TESTS_OFF)
    found = execute(
        project, "select check_name, order_lines, severity from seg_order_line_checks order by 1"
    )
    execute(project, ORDER_LINES)
    assert done.exit_code == 0, done.stderr
    assert found == [
        ("far_future", 1, "warn"),
        ("without_amount", 1, "warn"),
        ("without_order_id", 1, "warn"),
        ("without_time", 1, "warn"),
    ]
    assert "1 order lines are dated more than 31 days after" in done.out + done.stderr


@pytest.mark.parametrize(
    ("day", "words"),
    {
        "a placeholder of the past": ("1900-01-01", "are dated 1900-01-01 or before"),
        "the least date": ("0001-01-01", "are dated 1900-01-01 or before"),
        "an empty number": ("1970-01-01", "are dated 1970-01-01"),
        "a date without an end": ("9999-12-31", "are dated in 2200 or later"),
        "infinity": ("infinity", "are dated infinity"),
    }.values(),
)
def test_impossible_dates_stop_the_build(project: Path, dbt: Dbt, day: str, words: str) -> None:
    execute(
        project, ORDER_LINES + f"union all select 'c1', 'x', timestamp '{day}', 1.0, 'category 1'"
    )
    models = "seg_order_line_checks stg_seg__transactions"
    done = dbt(project, "run", "--select", models, vars=UNIT_TESTS_OFF)
    execute(project, ORDER_LINES)
    assert done.exit_code == 1
    assert f"1 order lines {words}" in done.out + done.stderr


def test_one_variable_switches_off_the_tests_that_read_all_order_lines(
    project: Path, dbt: Dbt
) -> None:
    def nodes(**variables: bool) -> set[str]:
        listed = dbt(project, "-q", "ls", "--output=name", vars=UNIT_TESTS_OFF | variables)
        return set(listed.out.split())

    left_out = nodes() - nodes(full_scan_tests=False)
    # A model's name stands for its tests too.
    assert {name for name in left_out if not name.startswith("not_null")} == {
        "seg_net_spend_survives",
        "seg_order_line_checks",
    }
