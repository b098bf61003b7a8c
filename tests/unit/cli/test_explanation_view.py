"""How `explain` speaks: units, both parts of a ratio, boundaries rounded outward, names that are no markup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from warehouse_seg.cli.explanation_view import explanation_lines
from warehouse_seg.commands.explain import ExplainedCustomer
from warehouse_seg.segments.explanation import Explanation, Membership
from warehouse_seg.segments.nearest_change import Change
from warehouse_seg.segments.reasons import Contribution

CHANGE = Change("order_count", None, 3.0, 6.0, 0.5, "s4", "Frequent [x]")
EXPLANATION = Explanation(
    memberships=[Membership("s2", "Lapsed [bold]", 0.625), Membership("s4", "Frequent [x]", 0.375)],
    segment_key="s2",
    runner_up_segment_key="s4",
    log_odds=0.51,
    base_log_odds=-0.25,
    contributions=[
        Contribution("recency_days", None, 340.0, 52.4, "high", 1.5),
        Contribution("share_wine", None, 0.125, 0.333, "low", 0.25),
        Contribution("share_tea", "share_other", 2.5, 1.0, "high", -0.99),
    ],
    missing_features=["days[0]"],
    nearest_change=CHANGE,
)


def printed(explanation: Explanation) -> list[str]:
    console = Console(width=160, highlight=False)
    customer = ExplainedCustomer("[7]", "2026-07-01", 3, "hybrid", explanation, 3, [])
    with console.capture() as captured:
        for line in explanation_lines(customer):
            console.print(line)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_the_whole_sheet() -> None:
    assert printed(EXPLANATION) == [
        "customer [7] as of 2026-07-01: hybrid, model version 3",
        "s2  Lapsed [bold]  62.5%  ████████████",
        "s4  Frequent [x]   37.5%  ████████",
        "not measured, and left out: days[0]",
        "",
        "why s2 rather than s4: log odds +0.51, of which -0.25 halfway between the two and",
        "+1.50  recency_days 340, high (52 between the two)            for s2",
        "+0.25  share_wine 12.5%, low (33.3% between the two)          for s2",
        "-0.99  share_tea / share_other 2.5, high (1 between the two)  for s4",
        "",
        "nearest change: order_count from 3 to 6 would move them to s4 (Frequent [x]), 0.50 standard deviations away",
    ]


@pytest.mark.parametrize(
    ("feature", "value", "new_value", "said"),
    [
        ("net_spend", 50.36, 41.394, "net_spend from 50.36 to 41.39 "),
        ("net_spend", 30.0, 41.391, "net_spend from 30 to 41.4 "),
        ("net_spend", 0.01, 0.07, "net_spend from 0.01 to 0.07 "),
        ("net_spend", 12345.0, 1234567.891, "net_spend from 12,345 to 1,234,567.9 "),
        ("share_wine", 0.5, 0.250001, "share_wine from 50% to 25% "),
        ("share_wine", 0.1, 0.250001, "share_wine from 10% to 25.01% "),
        ("net_spend", 3.0, -2.005, "net_spend from 3 to -2.01 "),
    ],
)
def test_a_boundary_is_rounded_to_where_it_is_passed(
    feature: str, value: float, new_value: float, said: str
) -> None:
    change = replace(CHANGE, feature=feature, value=value, new_value=new_value)
    assert said in printed(replace(EXPLANATION, nearest_change=change))[-1]


def test_a_ratio_is_no_percentage() -> None:
    change = replace(CHANGE, feature="share_tea", reference="share_other", new_value=3.25)
    said = printed(replace(EXPLANATION, nearest_change=change))[-1]
    assert "share_tea / share_other from 3 to 3.25 would" in said


def test_a_step_too_small_to_be_told() -> None:
    said = printed(replace(EXPLANATION, nearest_change=replace(CHANGE, standard_deviations=0.001)))
    assert said[-1].endswith("less than 0.01 standard deviations away")


def test_a_midpoint_that_rounds_to_the_value_is_said_more_precisely() -> None:
    close = Contribution("order_count", None, 1.0, 1.02, "low", 0.01)
    said = printed(replace(EXPLANATION, contributions=[close]))
    assert "+0.01  order_count 1, low (1.02 between the two)  for s2" in said


def test_no_way_out() -> None:
    said = printed(replace(EXPLANATION, nearest_change=None))
    assert said[-1] == (
        "no change of one feature alone, to a value that customers usually have, would move them to another segment"
    )


def test_one_segment() -> None:
    alone = replace(EXPLANATION, runner_up_segment_key=None, log_odds=None, contributions=[])
    assert printed(alone)[-1] == "the model has one segment: there is no other to compare with"
