"""How the result of `explain` is laid out for a person: memberships, reasons, what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from warehouse_seg.explaining import Change, Contribution, Explanation, Membership
from warehouse_seg.naming import spoken

if TYPE_CHECKING:
    from warehouse_seg.jobs.explain import ExplainedCustomer

BAR = 20
"""Characters of a membership of 1."""


def explanation_lines(customer: ExplainedCustomer) -> Iterator[str | Table]:
    """From who the customer is to what would make them somebody else."""
    explanation = customer.explanation
    yield (
        f"[bold]customer {escape(customer.customer_id)}[/] as of {customer.as_of_date}: {customer.action_tier}, "
        f"model version {customer.model_version}"
    )
    yield _memberships(explanation.memberships)
    if explanation.missing_features:
        yield f"not measured, and left out: {escape(', '.join(explanation.missing_features))}"
    if explanation.runner_up_segment_key is None:
        yield "the model has one segment: there is nothing to choose between"
        return
    yield _heading(explanation)
    yield _contributions(explanation)
    yield _nearest(explanation.nearest_change)


def _memberships(memberships: list[Membership]) -> Table:
    table = Table.grid("", "", "", "", padding=(0, 2))
    for segment in memberships:
        table.add_row(
            segment.segment_key,
            escape(segment.segment_name),
            f"{segment.membership:.1%}",
            "█" * round(BAR * segment.membership),
        )
    return table


def _heading(explanation: Explanation) -> str:
    return (
        f"\nwhy {explanation.segment_key} rather than {explanation.runner_up_segment_key}: log odds "
        f"{explanation.log_odds:+.2f}, of which {explanation.base_log_odds:+.2f} halfway between the two and"
    )


def _contributions(explanation: Explanation) -> Table:
    table = Table.grid("", "", "", padding=(0, 2))
    for contribution in explanation.contributions:
        speaks_for = (
            explanation.segment_key
            if contribution.log_odds > 0
            else explanation.runner_up_segment_key
        )
        table.add_row(
            f"{contribution.log_odds:+.2f}", _in_words(contribution), f"[dim]for {speaks_for}[/]"
        )
    return table


def _in_words(contribution: Contribution) -> str:
    feature = contribution.feature
    value, midpoint = (
        in_its_unit(feature, number) for number in (contribution.value, contribution.midpoint)
    )
    return f"{escape(feature)} {value}, {contribution.direction} ({midpoint} between the two)"


def _nearest(change: Change | None) -> str:
    if change is None:
        return "\nno change of one feature alone would move them to another segment"
    before, after = (
        in_its_unit(change.feature, number) for number in (change.value, change.new_value)
    )
    if before == after:
        before, after = f"{change.value:.7g}", f"{change.new_value:.7g}"
    return (
        f"\nnearest change: {escape(change.feature)} from {before} to {after} would move them to {change.segment_key} "
        f"({escape(change.segment_name)}), {change.standard_deviations:.2f} standard deviations away"
    )


def in_its_unit(feature: str, value: float) -> str:
    """A raw value as a person would say it; a share in percent."""
    return f"{value:.1%}" if feature.startswith("share_") else spoken(value)
