"""How the result of `explain` is laid out for a person: memberships, reasons, what would change it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from warehouse_seg.cli.numbers import feature_value, is_share
from warehouse_seg.segments.explanation import Explanation, Membership
from warehouse_seg.segments.nearest_change import Change
from warehouse_seg.segments.reasons import Contribution

if TYPE_CHECKING:
    from warehouse_seg.commands.explain import ExplainedCustomer

BAR = 20
"""Characters of a membership of 1."""


def explanation_lines(customer: ExplainedCustomer) -> Iterator[str | Table]:
    """Who the customer is, why, and the nearest change to another segment."""
    explanation = customer.explanation
    yield (
        f"[bold]customer {escape(customer.customer_id)}[/] as of {customer.as_of_date}: {customer.action_tier}, "
        f"model version {customer.model_version}"
    )
    yield _memberships(explanation.memberships)
    if explanation.missing_features:
        yield f"not measured, and left out: {escape(', '.join(explanation.missing_features))}"
    if explanation.runner_up_segment_key is None:
        yield "the model has one segment: there is no other to compare with"
        return
    yield _heading(explanation)
    yield _contributions(explanation)
    yield _nearest(explanation.nearest_change)


def _memberships(memberships: list[Membership]) -> Table:
    table = Table.grid("", "", padding=(0, 2))
    table.add_column(justify="right")
    for segment in memberships:
        table.add_row(
            segment.segment_key,
            escape(segment.segment_name),
            f"{segment.membership:z.1%}",
            "█" * round(BAR * segment.membership),
        )
    return table


def _heading(explanation: Explanation) -> str:
    return (
        f"\nwhy {explanation.segment_key} rather than {explanation.runner_up_segment_key}: log odds "
        f"{explanation.log_odds:+z.2f}, of which {explanation.base_log_odds:+z.2f} halfway between the two and"
    )


def _contributions(explanation: Explanation) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for contribution in explanation.contributions:
        speaks_for = (
            explanation.segment_key
            if contribution.log_odds > 0
            else explanation.runner_up_segment_key
        )
        table.add_row(
            f"{contribution.log_odds:+z.2f}", _in_words(contribution), f"[dim]for {speaks_for}[/]"
        )
    return table


def _in_words(contribution: Contribution) -> str:
    name, percent = _name(contribution), _is_in_percent(contribution)
    value, midpoint = (
        feature_value(number, is_share=percent)
        for number in (contribution.value, contribution.midpoint)
    )
    if value == midpoint:
        midpoint = _precisely(contribution.midpoint, percent)
    return f"{name} {value}, {contribution.direction} ({midpoint} between the two)"


def _nearest(change: Change | None) -> str:
    if change is None:
        return (
            "\nno change of one feature alone, to a value that customers usually have, would move them to another "
            "segment"
        )
    percent = _is_in_percent(change)
    rounding = math.ceil if change.new_value > change.value else math.floor
    before, after = (
        _precisely(change.value, percent),
        _precisely(change.new_value, percent, rounding),
    )
    distance = change.standard_deviations
    away = "less than 0.01" if distance < 0.01 else f"{distance:z.2f}"
    return (
        f"\nnearest change: {_name(change)} from {before} to {after} would move them to {change.segment_key} "
        f"({escape(change.segment_name)}), {away} standard deviations away"
    )


def _name(feature: Contribution | Change) -> str:
    """Of a ratio, both parts."""
    ratio = f" / {feature.reference}" if feature.reference else ""
    return escape(feature.feature + ratio)


def _is_in_percent(feature: Contribution | Change) -> bool:
    return is_share(feature.feature) and feature.reference is None


def _precisely(value: float, percent: bool, rounding: Callable[[float], int] = round) -> str:
    """To the cent, or to a hundredth of a percent; beyond the boundary where it is rounded outward."""
    shown = 100 * value if percent else value
    # 0.07 is 7.000000000000001 cents.
    cents = rounding(float(f"{100 * shown:.10g}"))
    text = f"{cents / 100:z,.2f}".rstrip("0").rstrip(".")
    return f"{text}%" if percent else text
