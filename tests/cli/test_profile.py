"""`warehouse-seg profile`: the sheet says what the tables hold, and where they are not there, what to run."""

from __future__ import annotations

import json

import pytest

from tests.shop_fixtures import Command
from tests.small_shop import Shop, Stages


def stored_warnings(shop: Shop) -> list[str]:
    ((warnings,),) = shop.rows("select warnings from seg_models")
    return [warning["text"] for warning in json.loads(warnings)]


def test_the_sheet_says_what_the_tables_hold(command: Command, stages: Stages) -> None:
    shop = stages.scored()
    done = command(shop, "profile")
    assert done.exit_code == 0, done.stderr
    assert done.err.splitlines() == [f"warning: {text}" for text in stored_warnings(shop)]
    for (
        key,
        name,
        description,
        customers,
        share,
        expected,
        expected_share,
        revenue_share,
    ) in shop.rows(
        "select segment_key, segment_name, description, customers, customer_share, expected_customers, "
        "expected_share, revenue_share from seg_segments"
    ):
        assert f"{key} {name}" in done.out
        assert description in done.out
        assert f"{expected:,.0f} customers by membership, {expected_share:.1%}; " in done.out
        assert f"top segment of {customers:,}, {share:.1%}" in done.out
        assert f"{revenue_share:.1%} of revenue; " in done.out
    assert "average_order_value" in done.out
    assert "category_entropy" not in done.out
    assert "Suggestions are rules of thumb" in done.out


def test_json_has_every_number(command: Command, stages: Stages) -> None:
    shop = stages.scored()
    content = json.loads(command(shop, "profile", "--json").out)
    assert content["model_version"] == 1
    assert content["customers"] == len(shop.segments())
    by_size = "from seg_segments order by customers desc, segment_key"
    assert [
        (s["segment_key"], s["segment_name"], s["customers"], s["customer_share"], s["revenue"])
        for s in content["segments"]
    ] == shop.rows(
        f"select segment_key, segment_name, customers, customer_share, revenue {by_size}"
    )
    for segment in content["segments"]:
        ranks = [measure["distinctiveness_rank"] for measure in segment["measures"]]
        assert ranks == list(range(1, len(ranks) + 1))
        assert segment["because"]


def test_money_and_shares_add_up(stages: Stages) -> None:
    """The segments share all net spend and all customers among them, whatever blends there are."""
    shop = stages.scored()
    ((revenue, shares, customers),) = shop.rows(
        "select sum(revenue), sum(revenue_share), sum(customer_share) from seg_segments"
    )
    ((net_spend,),) = shop.rows("select sum(cast(amount as decimal(18, 4))) from raw.order_lines")
    multiplied = shop.rows(
        "select sum(expected_customers * revenue_per_customer), sum(expected_share) from seg_segments"
    )
    assert multiplied == [(pytest.approx(revenue), pytest.approx(1))]
    means = shop.rows(
        "select revenue_per_customer, mean from seg_segments inner join seg_segment_profiles using (segment_key) "
        "where feature = 'net_spend'"
    )
    assert len(means) > 1
    for each, mean in means:
        assert each == pytest.approx(mean, abs=1e-3)
    # Each of some thousand terms was rounded to a hundredth of a cent.
    assert revenue == pytest.approx(float(net_spend), abs=0.1)
    assert (shares, customers) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("drop table seg_segments", "found no table"),
        ("drop table seg_segment_profiles", "found no table"),
        ("delete from seg_segments", "found no customer in"),
        ("update seg_segments set customers = 0", "found no customer in"),
        (
            "alter table seg_segment_profiles drop column distinctiveness_rank",
            "has no column distinctiveness_rank: an older version of the package built it",
        ),
    ],
)
def test_tables_that_cannot_be_read_name_the_command(
    command: Command, scored_shop: Shop, harm: str, message: str
) -> None:
    scored_shop.execute(harm)
    done = command(scored_shop, "profile")
    assert done.exit_code == 2
    assert message in done.err
    assert "`dbt build`, or `warehouse-seg run`" in done.err
    assert not done.out


def test_before_the_first_fit(command: Command, stages: Stages) -> None:
    done = command(stages.with_features(), "profile")
    assert done.exit_code == 2
    assert "nobody has a segment yet" in done.err


def test_names_and_columns_are_no_markup(command: Command, scored_shop: Shop) -> None:
    scored_shop.execute(
        "update seg_segments set segment_name = 'it''s [bold]mine[/wrong]', revenue = null, revenue_share = null",
        "update seg_segment_profiles set feature = '[red]x' where feature = 'order_count'",
    )
    done = command(scored_shop, "profile")
    assert done.exit_code == 0, done.stderr
    assert "it's [bold]mine[/wrong]" in done.out
    assert "[red]x" in done.out
    assert "of revenue" not in done.out
    assert "none (no order history)" in done.out
