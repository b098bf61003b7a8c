"""History in dbt builds: each date once, as it was known, whatever is built again; movements that add up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_folder import succeeded
from tests.process_runner import Finished
from tests.small_shop import FIRST_OF_HISTORY, Shop, Stages

MONTHS = ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]
MONITORING = "package:warehouse_seg"
MEMBERSHIPS = "* exclude (scored_at)"


@pytest.fixture(scope="module")
def shop(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One copy for tests that only read."""
    return stages.with_history().copy(tmp_path_factory.mktemp("history") / "shop")


def build(shop: Shop, *arguments: str, **variables: Any) -> Finished:
    return succeeded(
        shop.dbt("build", "--select", MONITORING, *arguments, "--vars", json.dumps(variables))
    )


def dates(shop: Shop, table: str = "seg_segment_history") -> list[str]:
    return [
        str(day)
        for (day,) in shop.rows(f"select distinct as_of_date from {table} order by as_of_date")
    ]


def content(shop: Shop, table: str = "seg_membership_history", condition: str = "true") -> Any:
    return shop.rows(f"select * from {table} where {condition} order by all")


# ------------------------------------------------------------------------------------------------ each date once


def test_the_history_has_every_month_and_every_customer_once(shop: Shop) -> None:
    assert MONTHS[0] == FIRST_OF_HISTORY
    assert dates(shop) == dates(shop, "seg_membership_history") == MONTHS
    for table in ("seg_segment_history", "seg_membership_history"):
        ((rows, pairs),) = shop.rows(
            f"select count(*), count(distinct (customer_id, as_of_date)) from {table}"
        )
        assert rows == pairs > 5000


def test_a_date_that_was_filled_in_is_what_its_build_would_have_left(
    shop: Shop, stages: Stages, tmp_path: Path
) -> None:
    other = stages.scored().copy(tmp_path / "shop")
    other.set_variable("rooms", value={"monitoring": True})
    for day in MONTHS[:3]:
        build(other, as_of_date=day)
    for table in ("seg_membership_history", "seg_segment_history"):
        query = f"select {MEMBERSHIPS} from {table} where as_of_date <= '{MONTHS[2]}' order by all"
        assert other.rows(query) == shop.rows(query)
    query = (
        "select * exclude (scored_at, previous_scored_at) replace (round(expected_customers, 9) as expected_customers, "
        "round(share_of_previous, 12) as share_of_previous, round(share_of_segment, 12) as share_of_segment) "
        f"from seg_segment_transitions where as_of_date <= '{MONTHS[2]}' order by all"
    )
    assert other.rows(query) == shop.rows(query) != []


def test_building_again_changes_no_date_and_a_full_refresh_loses_none(history_shop: Shop) -> None:
    before = content(history_shop), content(history_shop, "seg_segment_history")
    transitions = content(history_shop, "seg_segment_transitions")
    build(history_shop)
    build(history_shop, "--full-refresh")
    assert (content(history_shop), content(history_shop, "seg_segment_history")) == before
    assert len(content(history_shop, "seg_segment_transitions")) == len(transitions)


def test_a_date_that_is_built_again_is_replaced(history_shop: Shop) -> None:
    """Lines of the last month came late: a build of that day knows them, and of no other."""
    day = MONTHS[-1]
    others = content(history_shop, condition=f"as_of_date < '{day}'")
    (before,) = history_shop.rows(
        f"select count(*) from seg_segment_history where as_of_date = '{day}'"
    )
    history_shop.execute(
        "insert into raw.order_lines values (990001, 990001, '2026-05-03', 12.5, 'Tea')"
    )

    build(history_shop, as_of_date=day)

    assert content(history_shop, condition=f"as_of_date < '{day}'") == others
    ((rows, customers, lines),) = history_shop.rows(
        "select count(*), count(distinct customer_id), max(order_lines) from seg_segment_history "
        f"where as_of_date = '{day}'"
    )
    assert rows == customers == before[0] + 1
    (known,) = history_shop.rows(
        f"select max(order_lines) from seg_membership_history where as_of_date < '{day}'"
    )
    assert lines > known[0]


def test_only_the_dates_that_are_kept_stay(history_shop: Shop) -> None:
    build(history_shop, history={"keep": 3})
    assert dates(history_shop) == dates(history_shop, "seg_membership_history") == MONTHS[-3:]


def test_a_table_would_lose_the_past_and_is_refused(history_shop: Shop) -> None:
    before = content(history_shop)
    path = history_shop.folder / "dbt_project.yml"
    project = json.loads(path.read_text())
    del project["models"]["warehouse_seg"]["monitoring"]
    path.write_text(json.dumps(project))

    refused = history_shop.dbt("build", "--select", MONITORING)

    assert refused.exit_code == 1
    assert "monitoring: {history: {+materialized: incremental}}" in refused.stderr
    assert content(history_shop) == before


# ------------------------------------------------------------------------------------------- movements, two models


def test_flows_reconcile_with_the_dates(shop: Shop) -> None:
    for column, day in (
        ("previous_segment_key", "previous_as_of_date"),
        ("segment_key", "as_of_date"),
    ):
        unequal = shop.rows(
            f"""
            with flows as (
                select {day} as day, {column} as segment_key, sum(customers) as customers
                from seg_segment_transitions where {column} is not null group by all
            ),
            sizes as (
                select as_of_date as day, segment_key, count(*) as customers
                from seg_segment_history group by all
            )
            select * from flows full outer join sizes using (day, segment_key)
            where coalesce(flows.customers, 0) <> coalesce(sizes.customers, 0)
                and day in (select {day} from seg_segment_transitions)
            """
        )
        assert unequal == []
    assert len(dates(shop, "seg_segment_transitions")) == len(MONTHS) - 1


def test_a_customer_moves_by_the_difference_of_the_memberships(shop: Shop) -> None:
    ((compared, apart),) = shop.rows(
        """
        select count(*), max(abs(total_variation
            - (abs(a.membership_s1 - b.membership_s1) + abs(a.membership_s2 - b.membership_s2)
                + abs(a.membership_s3 - b.membership_s3)) / 2))
        from seg_customer_movements as moved
        join seg_membership_history as a on a.customer_id = moved.customer_id and a.as_of_date = moved.as_of_date
        join seg_membership_history as b
            on b.customer_id = moved.customer_id and b.as_of_date = moved.previous_as_of_date
        """
    )
    assert compared > 3000
    assert apart < 1e-12


def test_the_new_model_s_part_of_a_movement_is_told_apart(history_shop: Shop) -> None:
    """The next month is scored by another model, and by the one before as well."""
    history_shop.set_variable("model", "segments", value={"min": 2, "max": 2})
    succeeded(history_shop.warehouse_seg("fit", "--reselect", "--accept-changes"))

    build(history_shop, as_of_date="2026-07-01")

    scorings = history_shop.rows(
        "select distinct basis, model_version from seg_membership_history where as_of_date = '2026-07-01' order by all"
    )
    assert scorings == [("known", 2), ("previous_model", 1)]
    sums = history_shop.rows(
        "select cause, previous_model_version, model_version, sum(customers), round(sum(expected_customers), 6) "
        "from seg_segment_transitions where as_of_date = '2026-07-01' group by all order by all"
    )
    customers = len(history_shop.segments())
    assert sums == [
        ("customers", 1, 1, customers, float(customers)),
        ("model", 1, 2, customers, float(customers)),
    ]
    keys = {
        name
        for (name,) in history_shop.rows("select distinct segment_key from seg_segment_history")
    }
    columns = {name for (name, *_) in history_shop.rows("describe seg_membership_history")}
    assert columns >= {f"membership_{key}" for key in keys}


def test_a_model_of_later_dates_is_told_apart_after_a_backfill(history_shop: Shop) -> None:
    """Two months are scored again by another model: the changes of model are before and after them."""
    history_shop.set_variable("model", "segments", value={"min": 2, "max": 2})
    succeeded(history_shop.warehouse_seg("fit", "--reselect", "--accept-changes"))
    succeeded(
        history_shop.warehouse_seg("backfill", "--from", MONTHS[2], "--to", MONTHS[3], "--again")
    )
    causes = history_shop.rows(
        "select as_of_date::varchar, cause from seg_segment_transitions group by all order by all"
    )
    assert causes == [
        (MONTHS[1], "customers"),
        (MONTHS[2], "customers"),
        (MONTHS[2], "model"),
        (MONTHS[3], "customers"),
        (MONTHS[4], "customers"),
        (MONTHS[4], "model"),
    ]


# --------------------------------------------------------------------------------------------------- late lines


def test_what_is_known_now_stands_beside_what_was_known(history_shop: Shop) -> None:
    known = content(history_shop, condition="basis = 'known'")
    history_shop.execute(
        "insert into raw.order_lines select customer_id, order_id + 1000000, '2026-02-15', 5000, 'Gifts' "
        "from raw.order_lines where order_id <= 200"
    )
    done = succeeded(
        history_shop.warehouse_seg("backfill", "--restate", "--from", "2026-03-01", "--json")
    )

    assert json.loads(done.out)["dates"] == MONTHS[1:]
    assert content(history_shop, condition="basis = 'known'") == known
    late = history_shop.rows(
        "select as_of_date::varchar, basis, max(order_lines) from seg_membership_history group by all order by all"
    )
    lines = {(day, basis): count for day, basis, count in late}
    for day in MONTHS[1:]:
        assert lines[day, "restated"] == lines[day, "known"] + 200
    ((moved,),) = history_shop.rows(
        """
        select count(*) from seg_membership_history as a
        join seg_membership_history as b using (customer_id, as_of_date)
        where a.basis = 'known' and b.basis = 'restated' and a.segment_key <> b.segment_key
        """
    )
    assert moved > 50
