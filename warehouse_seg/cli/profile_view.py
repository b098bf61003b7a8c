"""How the result of `profile` is laid out for a person: one panel per segment for rich to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from warehouse_seg.cli.numbers import feature_value, is_share, percent, rounded

if TYPE_CHECKING:
    from warehouse_seg.commands.profile import Profile, SegmentProfile
    from warehouse_seg.model.forecast import ModelForecast

MEASURES = 6
"""So many of the most distinctive measures are shown; all of them are in seg_segment_profiles."""

FOR_MODELS = ("category_entropy",)
"""Numbers that tell people nothing."""


def profile_panels(profile: Profile) -> Iterator[Panel | Table | str]:
    """Every segment, the largest first, then how the figures are to be read."""
    yield from map(_panel, profile.segments)
    if profile.forecast is not None and profile.forecast.segments:
        yield forecast_table(profile)
        yield _how_measured(profile.forecast)
    yield (
        f"{profile.customers:,} customers, model version {profile.model_version}. By membership: who is half of two "
        "segments counts half in each; money, shares of it and means are so. Index: 100 times the mean over that of "
        "all customers. Suggestions are rules of thumb over the typical customer, as the names are; nobody has "
        "measured their effect: try them against a control group."
    )


def forecast_table(profile: Profile) -> Table:
    """What the customers of every segment did in time that the model had not seen."""
    table = Table("segment", "customers", "bought", "95 %", "mean spend", "95 %")
    for segment in profile.segments:
        own = segment.forecast
        if own is None:
            continue
        spend, low, high = (
            feature_value(value, is_share=False)
            for value in (own.spend, own.spend_low, own.spend_high)
        )
        table.add_row(
            f"{segment.segment_key} {escape(segment.segment_name)}",
            rounded(own.customers),
            percent(own.bought),
            f"{percent(own.bought_low)} to {percent(own.bought_high)}",
            spend,
            f"{low} to {high}",
        )
    return table


def _how_measured(forecast: ModelForecast) -> str:
    return (
        f"What they did next: these segments, applied to what was known of {forecast.customers:,} customers on "
        f"{forecast.as_of_date}, and what those did in the {forecast.window_days} days after it; "
        f"{percent(forecast.bought)} of all bought. By membership, as above."
    )


def _panel(segment: SegmentProfile) -> Panel:
    lines = Table.grid("", "", padding=(0, 2))
    lines.add_row("size", _size(segment))
    if segment.revenue is not None:
        lines.add_row("money", _money(segment))
    lines.add_row("who", escape(segment.description))
    lines.add_row("means", _behaviour(segment))
    lines.add_row("suggested", f"{segment.suggested_action or 'none'} [dim]({segment.because})[/]")
    title = f"[bold]{segment.segment_key}[/] {escape(segment.segment_name)}"
    return Panel(lines, title=title, title_align="left")


def _size(segment: SegmentProfile) -> str:
    """By membership, as the money is, and counted by top segment."""
    return (
        f"{rounded(segment.expected_customers)} customers by membership, {percent(segment.expected_share)}; "
        f"top segment of {segment.customers:,}, {percent(segment.customer_share)}"
    )


def _money(segment: SegmentProfile) -> str:
    """Revenue, and what it is for each of the customers that it was summed over."""
    each = feature_value(segment.revenue_per_customer, is_share=False)
    return f"{rounded(segment.revenue)}, {percent(segment.revenue_share)} of revenue; {each} a customer, by membership"


def _behaviour(segment: SegmentProfile) -> Table:
    """The most distinctive measures: mean, index, mean of all customers."""
    table = Table.grid("", "", "", "", padding=(0, 2))
    for_people = [row for row in segment.measures if row["feature"] not in FOR_MODELS]
    for row in for_people[:MEASURES]:
        table.add_row(
            escape(row["feature"]),
            _value(row, "mean"),
            f"index {rounded(row['index_vs_population'])}",
            f"[dim]all customers {_value(row, 'population_mean')}[/]",
        )
    return table


def _value(measure: dict[str, Any], name: str) -> str:
    return feature_value(measure[name], is_share=is_share(measure["feature"]))
