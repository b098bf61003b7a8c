"""Bootstrap samples and searches from elsewhere in one sentence: repeatable is only what both find again."""

from __future__ import annotations

import pytest

from warehouse_seg.evaluation.repeatability import on_earlier_days, repeatability
from warehouse_seg.evaluation.starts import StartStability
from warehouse_seg.evaluation.windows import Window
from warehouse_seg.mixture.stability import Stability

FOUND = StartStability(3, 3, 0.97, 0.0)
SEGMENTS = "The 2 segments of version 1"


def sentence(
    agreement: float, starts: StartStability = FOUND, failures: float = 0.0, *days: float | None
) -> str:
    windows = [Window(f"2026-0{k}-01", 900, day) for k, day in enumerate(days, start=1)]
    return repeatability(SEGMENTS, Stability(agreement, (0.9, 0.9), failures), starts, windows)


@pytest.mark.parametrize(
    ("starts", "failures", "said"),
    [
        (StartStability(3, 3, 0.31, 0.0), 0.5, "do not find them again (agreement 0.31): "),
        (
            StartStability(3, 3, 0.31, -0.02),
            1.0,
            "and on no bootstrap sample did a search that knows nothing end as well: ",
        ),
        (StartStability(3, 1, 0.84, 0.0), 0.0, "do not find them again (agreement 0.84): "),
        (StartStability(3, 0, None, None), 1.0, "every search from other starts collapsed: "),
        (StartStability(3, 3, 0.99, 0.05), 0.0, "ends 0.050 nats per customer better: "),
        (StartStability(3, 3, 0.10, 0.05), 1.0, "ends 0.050 nats per customer better: "),
    ],
)
def test_stable_from_the_model_alone_is_not_called_stable(
    starts: StartStability, failures: float, said: str
) -> None:
    text = sentence(0.95, starts, failures)
    assert text.startswith(
        f"{SEGMENTS} are stable on bootstrap samples (0.95) only where a refit starts from them, since "
    )
    assert said in text
    assert ("fit fewer segments" in text) == (starts.gain is None)
    assert ("search again with `fit --reselect`" in text) == (starts.gain is not None)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((), "are stable on bootstrap samples (0.95) and from other starts (0.97)"),
        (
            (0.9, 0.88),
            "are stable on bootstrap samples (0.95), from other starts (0.97) and on earlier days (0.89)",
        ),
        ((0.4,), "are stable on bootstrap samples (0.95) and from other starts (0.97)"),
        ((None,), "are stable on bootstrap samples (0.95) and from other starts (0.97)"),
        (
            (None, 0.9),
            "are stable on bootstrap samples (0.95), from other starts (0.97) and on earlier days (0.90)",
        ),
    ],
)
def test_what_is_found_again_everywhere_is_stable(
    days: tuple[float | None, ...], expected: str
) -> None:
    assert sentence(0.95, FOUND, 0.3, *days) == f"{SEGMENTS} {expected}"


def test_cold_searches_that_all_fail_are_in_the_same_sentence() -> None:
    """What the fit warned of does not stand beside a sentence that knows nothing of it."""
    assert sentence(0.95, FOUND, 1.0, 0.9) == (
        f"{SEGMENTS} are stable on bootstrap samples (0.95), from other starts (0.97) and on earlier days (0.90), "
        "though on no bootstrap sample did a search that knows nothing end as well"
    )


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        (FOUND, "(0.60, needed 0.85): do not use them"),
        (
            StartStability(3, 0, None, None),
            "), and every search from other starts collapsed: do not",
        ),
        (
            StartStability(3, 3, 0.2, 0.0),
            "), and searches from other starts do not find them again",
        ),
        (StartStability(3, 3, 0.9, 0.1), "), and a search from other starts ends 0.100 nats"),
    ],
)
def test_what_does_not_repeat_is_not_to_be_used(starts: StartStability, said: str) -> None:
    text = sentence(0.6, starts)
    assert "are not stable on bootstrap samples" in text
    assert said in text
    assert text.endswith("do not use them")


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((), []),
        ((0.9,), []),
        ((None,), ["on every earlier day a refit of this shape collapsed"]),
        (
            (0.4, 0.5),
            ["refits on earlier days give other segments (0.45): refit the model regularly"],
        ),
        (
            (0.4, None),
            ["refits on earlier days give other segments (0.40): refit the model regularly"],
        ),
    ],
)
def test_earlier_days_are_told_apart_from_repeating(
    days: tuple[float | None, ...], said: list[str]
) -> None:
    assert on_earlier_days([Window("2026-01-01", 900, day) for day in days]) == said
