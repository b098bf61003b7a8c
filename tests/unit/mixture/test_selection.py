"""Which candidate is recommended, in which words, and with which warnings."""

from __future__ import annotations

from typing import Any

import pytest

from warehouse_seg.mixture.selection import (
    MIN_GAIN,
    MIN_SEGMENT_STABILITY,
    MIN_STABILITY,
    UNSTABLE,
    best_of_each_count,
    elbow,
    marked,
    recommend,
    structure_warning,
)
from warehouse_seg.model.training import Candidate
from warehouse_seg.settings import ModelSettings, settings_from

CUSTOMERS = 1_000
WORTH = 2 * MIN_GAIN * CUSTOMERS
"""BIC that further segments have to be better by."""


def candidate(
    count: int, bic: float | None, stability: float | None = 1.0, **more: Any
) -> Candidate:
    values: dict[str, Any] = {"covariance_type": "full", "icl": bic, "smallest_jaccard": stability}
    return Candidate(n_components=count, bic=bic, stability=stability, **(values | more))


def settings(low: int = 2, high: int = 10) -> ModelSettings:
    return settings_from({"model": {"segments": {"min": low, "max": high}}}).model


def chosen(*candidates: Candidate, **bounds: int) -> int:
    return recommend(candidates, settings(**bounds), CUSTOMERS).chosen.n_components


def test_the_lowest_bic_of_those_that_repeat() -> None:
    assert chosen(candidate(3, 500), candidate(4, 300), candidate(5, 400)) == 4


def test_a_lower_bic_that_does_not_repeat_is_not_taken_and_that_is_said() -> None:
    recommendation = recommend(
        (candidate(3, 500), candidate(4, 300), candidate(9, 100, MIN_STABILITY - 0.01)),
        settings(),
        CUSTOMERS,
    )
    assert recommendation.chosen.n_components == 4
    assert recommendation.sentence == (
        "4 segments (full): lowest BIC among stable models with every segment ≥ 2% (stability 1.00); "
        "BIC alone would take 9 (not stable, stability 0.84); ICL says 9"
    )
    assert not recommendation.warnings


def test_one_segment_that_does_not_repeat_is_enough() -> None:
    loose = candidate(5, 100, 0.95, smallest_jaccard=MIN_SEGMENT_STABILITY - 0.01)
    recommendation = recommend((candidate(4, 300), loose), settings(), CUSTOMERS)
    assert recommendation.chosen.n_components == 4
    assert (
        "BIC alone would take 5 (one of its segments is not stable, overlap 0.74)"
        in recommendation.sentence
    )


@pytest.mark.parametrize(("better_by", "expected"), [(WORTH - 1e-6, 4), (WORTH + 1e-6, 5)])
def test_a_further_segment_has_to_be_worth_it(better_by: float, expected: int) -> None:
    assert chosen(candidate(4, 300), candidate(5, 300 - better_by)) == expected


def test_refused_candidates_are_out() -> None:
    assert chosen(candidate(3, 500), candidate(4, 100, status="refused", reason="collapsed")) == 3
    assert chosen(candidate(3, 500), candidate(4, None)) == 3


def test_of_each_number_of_segments_the_best_covariance_type_is_asked() -> None:
    tied = candidate(3, 400, covariance_type="tied")
    best = best_of_each_count([candidate(3, 500), tied, candidate(4, 450)])
    assert [(entry.n_components, entry.covariance_type) for entry in best] == [
        (3, "tied"),
        (4, "full"),
    ]


def test_where_none_repeats_the_best_of_them_is_taken_with_a_warning() -> None:
    recommendation = recommend(
        (candidate(3, 500, 0.4), candidate(4, 300, 0.6)), settings(), CUSTOMERS
    )
    assert recommendation.chosen.n_components == 4
    assert "but not stable (stability 0.60, needed 0.85)" in recommendation.sentence
    assert UNSTABLE in recommendation.warnings[0].text


@pytest.mark.parametrize(("low", "high", "word"), [(2, 4, "most"), (4, 9, "fewest")])
def test_the_edge_of_the_range_is_a_warning(low: int, high: int, word: str) -> None:
    recommendation = recommend((candidate(4, 300),), settings(low, high), CUSTOMERS)
    assert [word in warning.text for warning in recommendation.warnings] == [True]


@pytest.mark.parametrize(("low", "high"), [(1, 9), (3, 9), (4, 4)])
def test_no_edge_no_warning(low: int, high: int) -> None:
    """One segment is no edge: there is nothing below. Nor is a number that the user fixed."""
    count = 1 if low == 1 else 4
    assert not recommend((candidate(count, 300),), settings(low, high), CUSTOMERS).warnings


@pytest.mark.parametrize(("failures", "warned"), [(0.5, False), (1.0, True)])
def test_a_model_that_no_search_finds_again_is_warned_of(failures: float, warned: bool) -> None:
    recommendation = recommend(
        (candidate(4, 300, search_failures=failures),), settings(), CUSTOMERS
    )
    assert [
        ("fewer segments are safer" in warning.text) for warning in recommendation.warnings
    ] == [True] * warned


def test_a_single_segment_repeats_always() -> None:
    assert chosen(candidate(1, 300, None), candidate(2, 200, 0.2), low=1) == 1


def test_the_elbow_is_where_the_curve_bends_most() -> None:
    curve = [candidate(count, bic) for count, bic in [(2, 1000), (3, 500), (4, 450), (5, 400)]]
    bend = elbow(curve)
    assert bend is not None
    assert bend.n_components == 3
    rising_after = elbow([*curve, candidate(6, 900)])
    assert rising_after == bend


@pytest.mark.parametrize("bics", [[1000, 900], [1000, 900, 800], [900, 1000, 1100]])
def test_no_bend_no_elbow(bics: list[float]) -> None:
    assert elbow([candidate(count, bic) for count, bic in enumerate(bics, start=2)]) is None


def test_every_candidate_gets_its_reason() -> None:
    best, other = candidate(4, 300), candidate(4, 350, None, covariance_type="tied")
    loose, costly = candidate(9, 100, 0.2), candidate(3, 500)
    refused = candidate(8, 50, None, status="refused", reason="collapsed")
    after = marked([best, other, loose, costly, refused], best)
    assert [entry.status for entry in after] == ["chosen", *["rejected"] * 3, "refused"]
    assert [entry.reason for entry in after] == [
        "recommended",
        "higher BIC than another covariance type with 4",
        "not stable, stability 0.20",
        "higher BIC",
        "collapsed",
    ]


def test_segments_that_shuffled_customers_have_too_are_no_structure() -> None:
    assert structure_warning(0.5) is None
    warning = structure_warning(0.001)
    assert warning is not None
    assert UNSTABLE in warning.text
    assert "+0.001 nats" in warning.text
