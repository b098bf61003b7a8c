"""The built features: columns for what the data holds, whatever its names, and nothing for what is not mapped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dbt.package_project import (
    SELF_TEST_PROJECT,
    Dbt,
    Install,
    execute,
    install_package,
)
from warehouse_seg.resources import dbt_package_path
from warehouse_seg.sql.rendering import render

RFM = render("seg_rfm_features").split()

ORDER_LINES = """
select
    'c' || cast(i % 5 as varchar) as customer_id,
    i as order_id,
    cast('2024-01-01' as date) + cast(i as integer) as ordered_at,
    i as amount,
    ['Tea', $$O'Brien "x"; drop table y --$$, '日本', 'Select', 'select', 'other', ''][1 + i % 7] as category
from range(70) as lines(i)
"""

EXTRA_FEATURES = """
select
    'c1' as customer_id,
    2.5 as "visits ""a"" wéek; --",
    cast(7 as hugeint) as "order",
    cast(1.25 as decimal(9, 2)) as rate,
    'text' as remark,
    true as is_member,
    date '2024-01-01' as joined_on,
    [1, 2] as numbers
"""

READY_TABLE = """
select 1 as "ID", 'PhD' as "Education", 5.5 as "In ""come", date '2020-01-01' as as_of_date
union all
select null, 'none', 1.0, null
"""

READY = {
    "transactions": None,
    "feature_table": "ready_table",
    "columns": {"customer_id": '"ID"'},
    "customer_id_type": "integer",
    "seg_self_test": False,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The self-test project with order lines, extra features and a ready table whose names are hard to quote."""
    folder = tmp_path_factory.mktemp("features") / "project"
    models = install_package(SELF_TEST_PROJECT, folder, dbt_package_path()) / "models"
    (models / "strange_lines.sql").write_text(ORDER_LINES, "utf-8")
    (models / "strange_extra.sql").write_text(EXTRA_FEATURES, "utf-8")
    (models / "ready_table.sql").write_text(READY_TABLE, "utf-8")
    return folder


def columns(project: Path) -> list[str]:
    return [name for name, *_ in execute(project, "describe seg_customer_features")]


def build(dbt: Dbt, project: Path, **variables: object) -> None:
    options = {"transactions": "strange_lines", "seg_self_test": False} | variables
    done = dbt(project, "build", "--select", "+seg_customer_features", vars=options)
    assert done.exit_code == 0, done.stderr


@pytest.mark.both_duckdb
def test_hostile_categories_and_extra_columns(project: Path, dbt: Dbt) -> None:
    build(dbt, project, extra_features="strange_extra")
    assert columns(project) == [
        "customer_id",
        "as_of_date",
        *RFM,
        # Net spend is largest for what comes last in each seven lines; the blank one is `unknown`.
        *("spend_unknown", "share_unknown", "spend_other_2", "share_other_2"),
        *("spend_select", "share_select", "spend_select_2", "share_select_2"),
        *("spend_category", "share_category"),
        *("spend_o_brien_x_drop_table_y", "share_o_brien_x_drop_table_y"),
        *("spend_other", "share_other"),
        *('visits "a" wéek; --', "order", "rate"),
    ]
    (total,) = execute(
        project,
        """
        select
            sum(net_spend), sum(spend_unknown), sum(spend_other_2), sum(spend_select),
            sum(spend_select_2), sum(spend_category), sum(spend_o_brien_x_drop_table_y), sum(spend_other)
        from seg_customer_features
        """,
    )
    assert total == (2415.0, 375.0, 365.0, 355.0, 345.0, 335.0, 325.0, 315.0)
    extra = 'select "order", rate from seg_customer_features order by customer_id limit 2'
    assert [[str(value) for value in row] for row in execute(project, extra)] == [
        ["None", "None"],
        ["7", "1.25"],
    ]


def test_without_a_category_there_are_no_category_columns(project: Path, dbt: Dbt) -> None:
    build(dbt, project, columns={"category": None})
    assert columns(project) == ["customer_id", "as_of_date", *RFM]
    assert execute(project, "from seg_customer_category_spend") == []


def test_a_ready_table_keeps_its_columns(project: Path, dbt: Dbt) -> None:
    """The key is not a feature as well, and the table's own as_of_date gives way to the variable's."""
    build(dbt, project, **READY, as_of_date="2014-12-31")
    assert columns(project) == ["customer_id", "as_of_date", "Education", 'In "come']
    query = (
        'select customer_id, cast(as_of_date as varchar), "Education" from seg_customer_features'
    )
    assert execute(project, query) == [(1, "2014-12-31", "PhD")]


def test_a_ready_table_needs_its_date(project: Path, dbt: Dbt) -> None:
    done = dbt(project, "build", "--select", "+seg_customer_features", vars=READY)
    assert done.exit_code == 1
    assert "`feature_table` is set without `as_of_date`" in done.stderr
    empty = dbt(project, "build", "--empty", "--select", "+seg_customer_features", vars=READY)
    assert empty.exit_code == 0, empty.stderr


def test_a_column_named_like_a_feature_is_refused(install: Install, dbt: Dbt) -> None:
    project = install(SELF_TEST_PROJECT)
    extra = "select 'ada' as customer_id, 1 as \"Net_Spend\""
    (project / "models" / "strange_extra.sql").write_text(extra)
    variables = {"extra_features": "strange_extra", "seg_self_test": False}
    done = dbt(project, "build", "--select", "+seg_customer_features", vars=variables)
    assert done.exit_code == 1
    assert "`Net_Spend` of extra_features has the name of a feature" in done.stderr
