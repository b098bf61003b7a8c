"""No rounded number is shown as -0, in whatever form, and no view formats numbers that could be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import warehouse_seg
from warehouse_seg.cli.explanation_view import explanation_lines
from warehouse_seg.cli.numbers import decimal, feature_value, percent, rounded
from warehouse_seg.commands.explain import ExplainedCustomer
from warehouse_seg.segments.explanation import Explanation, Membership
from warehouse_seg.segments.reasons import Contribution
from warehouse_seg.segments.vocabulary import readable_number

ROOMS = ("cli", "commands", "evaluation", "segments")
NEARLY_ZERO = [-0.0, -1e-300, -1e-9, -0.00049, -0.004, -0.04, -0.49]


@pytest.mark.parametrize("value", NEARLY_ZERO)
def test_what_rounds_to_zero_has_no_sign(value: float) -> None:
    shown = [
        decimal(value, 0),
        decimal(value / 100),
        decimal(value / 1_000, 3),
        rounded(value),
        percent(value / 1_000),
        readable_number(value / 10),
        feature_value(value / 10, is_share=False),
        feature_value(value / 1_000, is_share=True),
    ]
    assert not [text for text in shown if text.startswith("-")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rounded(-0.51), "-1"),
        (rounded(-1234.5), "-1,234"),
        (decimal(-0.006), "-0.01"),
        (percent(-0.0006), "-0.1%"),
        (readable_number(-0.06), "-0.1"),
        (readable_number(-12.4), "-12"),
    ],
)
def test_what_does_not_keeps_it(text: str, expected: str) -> None:
    assert text == expected


def test_a_log_odds_of_nothing_is_plus_nothing() -> None:
    contribution = Contribution("recency_days", None, 1.0, 2.0, "low", -0.0004)
    explanation = Explanation(
        memberships=[Membership("s1", "A", 0.6), Membership("s2", "B", 0.4)],
        segment_key="s1",
        runner_up_segment_key="s2",
        log_odds=-0.001,
        base_log_odds=-0.0,
        contributions=[contribution],
        missing_features=[],
        nearest_change=None,
    )
    lines = explanation_lines(
        ExplainedCustomer("1", "2026-01-01", 1, "dominant", explanation, 1, [])
    )
    heading = next(line for line in lines if isinstance(line, str) and "log odds" in line)
    assert "log odds +0.00, of which +0.00" in heading


def float_formats() -> Iterator[tuple[str, str]]:
    """File and format of every float that the rooms of results write."""
    package = Path(warehouse_seg.__file__).parent
    for path in sorted(file for room in ROOMS for file in (package / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                text = ast.unparse(node.format_spec).removeprefix("f").strip("'\"")
                if re.search(r"[f%]$", text) and "{" not in text:
                    yield path.name, text


def test_every_float_format_drops_the_sign_of_zero() -> None:
    """`z` in the format; dates have a % inside, not at the end."""
    formats = [pair for pair in float_formats() if "%" not in pair[1][:-1]]
    assert len(formats) > 20
    assert [pair for pair in formats if "z" not in pair[1]] == []
