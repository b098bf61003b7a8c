"""`warehouse-seg explain`: what it says of a customer is what the tables hold, and whoever is not there is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.shop_fixtures import Command, set_effective
from tests.small_shop import Shop, Stages

CUSTOMERS = (1, 2, 3, 40, 500, 1499)


def explained(command: Command, shop: Shop, customer: Any) -> dict[str, Any]:
    done = command(shop, "explain", str(customer), "--json")
    assert done.exit_code == 0, done.stderr
    content: dict[str, Any] = json.loads(done.out)
    return content


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_it_says_what_the_tables_hold(command: Command, stages: Stages, customer: int) -> None:
    shop = stages.scored()
    content = explained(command, shop, customer)
    explanation = content["explanation"]
    ((key, membership, tier, version, as_of_date),) = shop.rows(
        "select segment_key, membership, action_tier, model_version, cast(as_of_date as varchar) "
        f"from seg_customer_segments where customer_id = {customer}"
    )
    assert (content["customer_id"], content["as_of_date"]) == (str(customer), as_of_date)
    assert (content["action_tier"], content["model_version"]) == (tier, version)
    assert explanation["segment_key"] == key
    assert explanation["memberships"][0]["membership"] == pytest.approx(membership, abs=1e-9)
    ((runner_up, log_odds, base, *reasons),) = shop.rows(
        "select runner_up_segment_key, log_odds, base_log_odds, reason_1_feature, reason_2_feature, reason_3_feature, "
        "reason_1_direction, reason_2_direction, reason_3_direction "
        f"from seg_customer_reasons where customer_id = {customer}"
    )
    assert explanation["runner_up_segment_key"] == runner_up
    assert explanation["log_odds"] == pytest.approx(log_odds, rel=1e-9)
    assert explanation["base_log_odds"] == pytest.approx(base, rel=1e-9)
    speaking = [c for c in explanation["contributions"] if c["log_odds"] > 0][:3]
    listed = [(name, side) for name, side in zip(reasons[:3], reasons[3:], strict=True) if name]
    assert [(c["feature"], c["direction"]) for c in speaking] == listed


def test_the_sheet_is_for_people(command: Command, stages: Stages) -> None:
    shop = stages.scored()
    content = explained(command, shop, 1)
    done = command(shop, "explain", "1")
    assert done.exit_code == 0, done.stderr
    assert not done.err
    assert f"customer 1 as of {content['as_of_date']}: {content['action_tier']}" in done.out
    for segment in content["explanation"]["memberships"]:
        assert f"{segment['segment_key']}  {segment['segment_name']}" in done.out
        assert f"{segment['membership']:.1%}" in done.out
    for contribution in content["explanation"]["contributions"]:
        assert f"{contribution['log_odds']:+.2f}  {contribution['feature']} " in done.out
    assert "nearest change: " in done.out
    assert "standard deviations away" in done.out


def test_the_nearest_change_moves_the_customer_in_the_warehouse(
    command: Command, scored_shop: Shop
) -> None:
    """Written into the order history and scored by dbt's own statement, it is what was said."""
    change = explained(command, scored_shop, 2)["explanation"]["nearest_change"]
    assert change["feature"] in ("recency_days", "order_count", "net_spend")
    scored_shop.execute(
        f"update seg_customer_rfm set {change['feature']} = {change['new_value']} where customer_id = 2"
    )
    assert explained(command, scored_shop, 2)["explanation"]["segment_key"] == change["segment_key"]


@pytest.mark.parametrize(
    "customer", ["nobody", "0", "it's", "1; drop table seg_customer_rfm", "[/]"]
)
def test_an_unknown_customer(command: Command, stages: Stages, customer: str) -> None:
    done = command(stages.scored(), "explain", customer)
    assert done.exit_code == 2
    assert f"found no customer {customer!r} in the features" in done.err
    assert "such as '1'" in done.err
    assert not done.out


def test_before_the_first_fit(command: Command, stages: Stages) -> None:
    done = command(stages.with_features(), "explain", "1")
    assert done.exit_code == 2
    assert "no model is active yet; run `warehouse-seg fit`" in done.err


def test_before_the_features(command: Command, scored_shop: Shop) -> None:
    scored_shop.execute("drop table seg_customer_rfm")
    done = command(scored_shop, "explain", "1")
    assert done.exit_code == 2
    assert "the features are not built yet" in done.err


def test_names_that_people_gave_are_shown_and_are_no_markup(
    command: Command, scored_shop: Shop
) -> None:
    set_effective(scored_shop, segment_names={"s1": "[bold]Champions[/wrong]"})
    done = command(scored_shop, "explain", "1")
    assert done.exit_code == 0, done.stderr
    assert "s1  [bold]Champions[/wrong]" in done.out


@pytest.mark.parametrize("key_type", ["varchar", "uuid"])
def test_keys_of_other_types(command: Command, scored_shop: Shop, key_type: str) -> None:
    """The key's type is the user's; it is asked for as the tables show it."""
    key = {
        "varchar": "'O''Brien ' || customer_id",
        "uuid": "cast(md5(customer_id::varchar) as uuid)",
    }
    for table in ("seg_customer_rfm", "seg_customer_category_spend"):
        scored_shop.execute(
            f"create or replace table {table} as select * replace ({key[key_type]} as customer_id) from {table}"
        )
    ((shown,),) = scored_shop.rows(
        "select cast(customer_id as varchar) from seg_customer_rfm order by all limit 1"
    )
    assert explained(command, scored_shop, shown)["customer_id"] == shown


def test_what_is_missing_is_said(command: Command, scored_shop: Shop) -> None:
    scored_shop.execute("update seg_customer_rfm set order_count = null where customer_id = 3")
    done = command(scored_shop, "explain", "3")
    assert done.exit_code == 0, done.stderr
    assert "not measured, and left out: order_count" in done.out
