"""`warehouse-seg backfill`: what it says, what it refuses and changes nothing of."""

from __future__ import annotations

import pytest

from tests.shop_fixtures import Command, set_effective
from tests.small_shop import FIRST_OF_HISTORY, Shop

DATES = "select as_of_date::varchar, count(*) from seg_membership_history group by all order by all"


def test_what_is_there_stays_and_is_said(history_shop: Shop, command: Command) -> None:
    before = history_shop.rows("from seg_membership_history order by all")
    done = command(history_shop, "backfill", "--from", FIRST_OF_HISTORY)
    assert done.exit_code == 0
    assert done.out == "nothing to do: the history has all 5 dates\n"
    assert history_shop.rows("from seg_membership_history order by all") == before


def test_what_an_interruption_left_undone_is_done(history_shop: Shop) -> None:
    """The memberships were written, and dbt had not made anything of them yet."""
    history_shop.execute("delete from seg_segment_history where as_of_date >= '2026-05-01'")
    done = history_shop.warehouse_seg("backfill", "--from", FIRST_OF_HISTORY)
    assert done.exit_code == 0, done.err
    assert "nothing to do" in done.out
    dates = "select count(distinct as_of_date) from seg_segment_history"
    assert history_shop.rows(dates) == [(5,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--every", "week"], "has a date every month"),
        (["--from", "2026-05-01", "--to", "2026-03-01"], "found --from 2026-05-01 after --to"),
        (["--to", "2027-01-01"], "needed at most 2026-06-29: orders are known up to there"),
        (["--from", "2026-05-02", "--to", "2026-05-31"], "found no first day of a month"),
        (["--again", "--restate"], "Give one of them"),
        (["--version", "7", "--again"], "found no such model version"),
        (["--restate", "--from", "2025-06-01", "--to", "2025-09-01"], "needed one to restate"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    history_shop: Shop, command: Command, arguments: list[str], message: str
) -> None:
    before = history_shop.rows(DATES)
    refused = command(history_shop, "backfill", *arguments)
    assert refused.exit_code == 2
    assert message in " ".join(refused.err.split())
    assert history_shop.rows(DATES) == before


def test_without_the_room_there_is_no_history(scored_shop: Shop, command: Command) -> None:
    refused = command(scored_shop, "backfill")
    assert refused.exit_code == 2
    assert "seg_membership_history is switched off" in refused.err
    assert "rooms" in refused.err


def test_a_ready_table_has_no_earlier_days(history_shop: Shop, command: Command) -> None:
    set_effective(history_shop, transactions=None, feature_table="customers")
    refused = command(history_shop, "backfill")
    assert refused.exit_code == 2
    assert "shows one day only" in refused.err
