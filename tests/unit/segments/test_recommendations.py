"""Every rule fits the segment that it is for, the first one wins, and the documents say the same words."""

from __future__ import annotations

from math import nan

import pytest

from warehouse_seg.resources import dbt_package_path
from warehouse_seg.segments.recommendations import BASIS, RULES, Measure, suggestion
from warehouse_seg.segments.traits import Trait

AVERAGE = dict.fromkeys(BASIS, Measure.of_mean(mean=3.0, index=100))
ONE = Measure.of_mean(mean=1.2, index=40)
CATEGORIES = 8


def reason_for(**indices: float | Measure) -> str:
    """The rule for a segment that is average but for these."""
    given = {
        name: value if isinstance(value, Measure) else Measure.of_mean(3.0, value)
        for name, value in indices.items()
    }
    return suggestion(AVERAGE | given, CATEGORIES).reason


def buys_in(count: float) -> Measure:
    return Measure.of_mean(count, 100)


CASES: list[tuple[dict[str, float | Measure], str]] = [
    ({"recency_days": 150, "order_count": ONE, "net_spend": 10}, "lapsed, bought once"),
    ({"recency_days": 125, "order_count": 300}, "lapsed, bought more than once"),
    (
        {"order_count": ONE, "average_order_value": 140, "net_spend": 30},
        "bought once, large basket",
    ),
    ({"order_count": ONE, "recency_days": 20}, "bought once"),
    (
        {"order_count": 200, "average_order_value": 99, "net_spend": 190},
        "frequent, baskets below average",
    ),
    ({"order_count": 200, "net_spend": 190, "recency_days": 20}, "frequent, valuable"),
    ({"average_order_value": 240, "net_spend": 230}, "valuable by large baskets"),
    (
        {"average_order_value": 70, "net_spend": 300},
        "valuable by few customers, the typical one is not",
    ),
    (
        {"net_spend": Measure.of_trait(Trait("net_spend", 0.5, 900.0))},
        "valuable by orders and baskets together",
    ),
    (
        {"recency_days": 75, "category_count": buys_in(1.2)},
        "recent, more than one order, one category",
    ),
    (
        {"recency_days": 75, "category_count": buys_in(2.5)},
        "recent, more than one order, fewer than half of the categories",
    ),
    (
        {"recency_days": 75, "category_count": buys_in(6)},
        "recent, more than one order, none of the above",
    ),
]


@pytest.mark.parametrize(("measures", "when"), CASES)
def test_a_segment_gets_its_rule(measures: dict[str, float | Measure], when: str) -> None:
    assert reason_for(**measures) == when


def test_every_rule_is_the_first_that_fits_somebody() -> None:
    assert [when for _, when in CASES] == [rule.when for rule in RULES]


def test_near_the_average_customer_there_is_nothing_to_suggest() -> None:
    assert reason_for() == "near the average customer"
    assert reason_for(**dict.fromkeys(BASIS, nan)) == "near the average customer"


@pytest.mark.parametrize("missing", BASIS)
def test_without_an_order_history_there_is_no_suggestion(missing: str) -> None:
    advice = suggestion({name: m for name, m in AVERAGE.items() if name != missing}, CATEGORIES)
    assert (advice.action, advice.reason) == (None, "no order history")


def test_the_documents_list_the_rules_word_for_word_in_their_order() -> None:
    document = (dbt_package_path().parent / "docs" / "guides" / "segments.md").read_text("utf-8")
    listed = [line for line in document.splitlines() if line.startswith("| ")]
    expected = [f"| {rule.when} | {rule.action} |" for rule in RULES]
    assert [line for line in listed if line in expected] == expected


# ------------------------------------------------------------------------------- a name and its suggestion agree


def advice_on(*traits: Trait, categories: int = CATEGORIES) -> str:
    measures = {trait.feature: Measure.of_trait(trait) for trait in traits}
    return suggestion(AVERAGE | measures, categories).action or "none"


@pytest.mark.parametrize("recency_z", [-2.0, -0.5, 0.0, 0.5, 2.0])
@pytest.mark.parametrize(
    ("z", "typical"), [(-1.0, 1.0), (-0.5, 1.4), (-0.5, 1.6), (0.5, 1.4), (0.2, 1.3), (1.0, 6.0)]
)
def test_advice_for_one_time_buyers_goes_to_those_who_are_called_so(
    recency_z: float, z: float, typical: float
) -> None:
    """The mean may say two orders where most have placed one: name and suggestion go by the same value."""
    orders, recency = Trait("order_count", z, typical), Trait("recency_days", recency_z, 30.0)
    action = advice_on(orders, recency)
    for_one_time = action.startswith(("Spend little", "Win the second order", "Find the occasion"))
    assert for_one_time == (orders.adjective == "one-time")
    if action.startswith("Win back"):
        assert recency.adjective == "lapsed"
    if action.startswith("Build the habit"):
        assert recency.adjective == "recent"


@pytest.mark.parametrize(
    ("count", "categories", "said"),
    [
        (1.0, 8, "show a second category"),
        (1.0, 1, "out of what they buy already"),
        (2.0, 8, "a category that they have not bought yet"),
        (2.0, 2, "out of what they buy already"),
        (4.0, 8, "out of what they buy already"),
        (8.0, 8, "out of what they buy already"),
        (11.0, 8, "out of what they buy already"),
    ],
)
def test_nobody_is_shown_a_category_that_they_buy(count: float, categories: int, said: str) -> None:
    bought = Trait("category_count", 0.0, count)
    assert said in advice_on(Trait("recency_days", -1.0, 5.0), bought, categories=categories)


def test_where_categories_are_not_counted_none_is_suggested() -> None:
    assert "out of what they buy already" in advice_on(Trait("recency_days", -1.0, 5.0))


@pytest.mark.parametrize("basket_z", [-1.0, -0.5, 0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("orders_z", [-0.3, 0.0, 0.3, 0.5])
def test_large_orders_are_only_spoken_of_where_the_name_may_say_large_baskets(
    basket_z: float, orders_z: float
) -> None:
    """A few who spend much lift the mean of a segment that is called "small baskets"."""
    spend = {"net_spend": Measure.of_mean(5_774, 304)}
    basket = Measure.of_trait(Trait("average_order_value", basket_z, 132.0))
    orders = Measure.of_trait(Trait("order_count", orders_z, 3.0))
    given = AVERAGE | spend | {"average_order_value": basket, "order_count": orders}
    action = suggestion(given, CATEGORIES).action or ""
    if "large orders" in action:
        assert Trait("average_order_value", basket_z, 132.0).adjective == "large baskets"
        assert basket_z >= 0.4
    if basket_z < 0.4 and orders_z < 0.4:
        assert action.startswith("Find the few large customers")
