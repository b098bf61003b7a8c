"""Every rule fits the segment that it is for, the first one wins, and the documents say the same words."""

from __future__ import annotations

from math import nan

import pytest

from warehouse_seg.segments.recommendations import BASIS, RULES, Measure, suggestion
from warehouse_seg.sql.resources import dbt_package_path

AVERAGE = dict.fromkeys(BASIS, Measure(mean=3.0, index=100))
ONE = Measure(mean=1.2, index=40)


def reason_for(**indices: float | Measure) -> str:
    """The rule for a segment that is average but for these."""
    given = {
        name: value if isinstance(value, Measure) else Measure(3.0, value)
        for name, value in indices.items()
    }
    return suggestion(AVERAGE | given).reason


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
    ({"recency_days": 75}, "recent, more than one order, none of the above"),
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
    advice = suggestion({name: m for name, m in AVERAGE.items() if name != missing})
    assert (advice.action, advice.reason) == (None, "no order history")


def test_the_documents_list_the_rules_word_for_word_in_their_order() -> None:
    document = (dbt_package_path().parent / "docs" / "guides" / "segments.md").read_text("utf-8")
    listed = [line for line in document.splitlines() if line.startswith("| ")]
    expected = [f"| {rule.when} | {rule.action} |" for rule in RULES]
    assert [line for line in listed if line in expected] == expected
