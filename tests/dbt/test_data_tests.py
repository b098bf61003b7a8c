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
from warehouse_seg.sql.resources import dbt_package_path

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


def test_far_future_and_incomplete_lines_are_named_as_warnings(project: Path, dbt: Dbt) -> None:
    """A line of 2099, one 32 and one 31 days after the usual last day, and a line with nothing in it."""
    strange = ORDER_LINES + "".join(
        f"union all select 'c1', 'late', timestamp '{day}', 0.0, 'category 1' "
        for day in ("2099-01-01", "2024-03-21", "2024-03-22")
    )
    failed = failures(
        project,
        dbt,
        strange + "union all select null, null, null, null, null",
        mend=ORDER_LINES,
    )
    warned = {name: count for name, count in failed.items() if name != "seg_net_spend_survives"}
    assert warned == {
        "seg_far_future_orders": 2,
        "seg_transactions_have_order_id": 1,
        "seg_transactions_have_ordered_at": 1,
        "seg_transactions_have_amount": 1,
    }
    assert {statuses(project, "test")[name] for name in warned} == {"warn"}


def test_one_variable_switches_off_the_tests_that_read_all_order_lines(
    project: Path, dbt: Dbt
) -> None:
    variables = {**UNIT_TESTS_OFF, "full_scan_tests": False}
    listed = dbt(project, "-q", "ls", "--resource-type=test", "--output=name", vars=variables)
    left = set(listed.out.split())
    assert "seg_customer_rfm_ranges" in left
    assert set(statuses(project, "test")) - left == {
        "seg_far_future_orders",
        "seg_net_spend_survives",
        "seg_transactions_have_amount",
        "seg_transactions_have_order_id",
        "seg_transactions_have_ordered_at",
    }
