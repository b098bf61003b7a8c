"""Names that people give to segments: shown by a bare `dbt build`, kept by a refit, refused where they are none."""

from __future__ import annotations

import json

import pytest

from tests.dbt_folder import succeeded
from tests.shop_fixtures import Command
from tests.small_shop import Shop, Stages

NAMED_TABLES = ("seg_segments", "seg_customer_segments", "seg_customer_memberships")
BUILD = ("build", "--select", "seg_customer_segments+", "seg_customer_memberships")


def names(shop: Shop, table: str = "seg_segments") -> dict[str, str]:
    """Segment key → name, as a table shows them."""
    return dict(shop.rows(f"select distinct segment_key, segment_name from {table} order by all"))


def test_a_name_is_shown_without_a_fit_and_stays_through_a_refit(scored_shop: Shop) -> None:
    automatic = names(scored_shop)
    given = {"s1": 'It\'s "ours"; drop table seg_segments; -- Łódź', "s77": "Nobody"}
    scored_shop.set_variable("segment_names", value=given)

    done = succeeded(scored_shop.dbt(*BUILD))

    expected = {**automatic, "s1": given["s1"]}
    for table in NAMED_TABLES:
        assert names(scored_shop, table) == expected
    ((runner_up,),) = scored_shop.rows(
        "select distinct runner_up_segment_name from seg_customer_segments where runner_up_segment_key = 's1'"
    )
    assert runner_up == given["s1"]
    keys = ", ".join(sorted(automatic))
    warning = f"names s77, which the model does not have. Its segments are {keys}."
    assert done.stderr.count(warning) == 1

    succeeded(scored_shop.warehouse_seg("fit"))
    succeeded(scored_shop.dbt("build", "--select", "seg_customer_scores+"))

    assert scored_shop.rows("select distinct model_version from seg_segments") == [(2,)]
    assert names(scored_shop) == expected
    stored = "select segment_name from seg_model_components where segment_key = 's1'"
    assert {name for (name,) in scored_shop.rows(stored)} == {automatic["s1"]}


def test_the_name_of_another_segment_stops_the_build(scored_shop: Shop) -> None:
    automatic = names(scored_shop)
    scored_shop.set_variable("segment_names", value={"s1": automatic["s2"]})

    done = scored_shop.dbt(*BUILD)

    assert done.exit_code == 1
    assert f"names s1 '{automatic['s2']}', and s2 has that name as well" in done.stderr
    assert names(scored_shop) == automatic


@pytest.mark.parametrize(
    "given", [{"s1": "tab\tbed"}, {"s1": "back\\slash"}, {"s1": ""}, {"s1": "A", "s2": "A"}]
)
def test_a_name_that_is_none_is_told_before_dbt_starts(
    command: Command, stages: Stages, given: dict[str, str]
) -> None:
    done = command(stages.scored(), "profile", "--vars", json.dumps({"segment_names": given}))
    assert done.exit_code == 2
    assert "segment_names" in done.err
    assert "Traceback" not in done.err


def test_a_ready_table_has_the_revenue_that_is_named(scored_shop: Shop) -> None:
    """The same customers as a ready table: revenue is the expression, and NULL without one."""
    of_orders = scored_shop.rows("select segment_key, revenue from seg_segments order by all")
    scored_shop.execute(
        "create table raw.ready as select * exclude (as_of_date) from seg_customer_features"
    )
    sources = scored_shop.folder / "models" / "sources.yml"
    sources.write_text(sources.read_text() + "      - name: ready\n")
    scored_shop.set_variable("transactions", value=None)
    scored_shop.set_variable("feature_table", value=["shop", "ready"])
    scored_shop.set_variable("as_of_date", value="2026-07-01")
    scored_shop.set_variable("columns", "revenue", value="net_spend * 2")

    succeeded(scored_shop.dbt("build", "--select", "seg_customer_features+"))

    revenues = scored_shop.rows("select segment_key, revenue from seg_segments order by all")
    assert [key for key, _ in revenues] == [key for key, _ in of_orders]
    # Each term is rounded to a hundredth of a cent, before and after it is doubled.
    doubled = [2 * revenue for _, revenue in of_orders]
    assert [revenue for _, revenue in revenues] == pytest.approx(doubled, abs=0.2)

    succeeded(scored_shop.dbt("build", "--select", "seg_segments", "--vars", "{columns: {}}"))
    without = scored_shop.rows("select revenue, revenue_share from seg_segments")
    assert set(without) == {(None, None)}
