"""One verdict on simpler methods: what decided, what follows, and the same words from both commands."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path

import pytest

from warehouse_seg.evaluation import comparison_verdict, simpler_methods, validation_verdict
from warehouse_seg.evaluation.prediction import Judgement, Prediction
from warehouse_seg.evaluation.predictive_power import PredictivePower
from warehouse_seg.evaluation.simpler_methods import RIVALS, Outcome, Silhouettes
from warehouse_seg.project.time_split import Unavailable

JUDGEMENTS: tuple[Judgement | None, ...] = ("better", "alike", "worse", None)
SEPARATION = Silhouettes(mixture=0.4, k_means=0.3)


def power(**rivals: tuple[Judgement | None, Judgement | None]) -> PredictivePower:
    """rivals: quintiles, labels: how memberships predict spend and buying beside each."""
    sources = {"quintiles": "RFM quintiles", "labels": "k-means labels", "features": "the features"}
    predictions = tuple(
        Prediction(sources[name], 0.4, 0.8, 0.4, spend, buying)
        for name, (spend, buying) in rivals.items()
    )
    memberships = Prediction("memberships", 0.5, 0.9, 0.3)
    return PredictivePower("2026-01-01", 90, 900, 0.3, (memberships, *predictions), "2025-10-03")


@pytest.mark.parametrize(
    ("quintiles", "labels", "outcome"),
    [
        (("better", "better"), ("better", "better"), "less"),
        (("worse", "worse"), ("better", "better"), "more"),
        (("worse", "worse"), ("alike", "better"), "more"),
        (("better", "better"), ("alike", "worse"), "more"),
        (("alike", "alike"), ("better", "better"), "as much"),
        (("better", "alike"), ("better", "alike"), "less"),
        (("better", "worse"), ("better", "better"), "mixed"),
        (("better", "worse"), ("alike", "alike"), "as much"),
        (("better", None), (None, None), "less"),
        ((None, "worse"), ("better", None), "more"),
    ],
)
def test_the_simpler_method_that_tells_most_gives_the_verdict(
    quintiles: tuple[Judgement | None, Judgement | None],
    labels: tuple[Judgement | None, Judgement | None],
    outcome: Outcome,
) -> None:
    result = simpler_methods.simpler_methods(power(quintiles=quintiles, labels=labels), SEPARATION)
    assert (result.criterion, result.outcome) == ("prediction of unseen time", outcome)
    before, _, after = simpler_methods.CONCLUSIONS[outcome].partition("{}")
    assert result.sentence.startswith(before)
    assert after in result.sentence
    assert result.sentence.endswith("(decided by the prediction of unseen time)")


@pytest.mark.parametrize(("spend", "buying"), list(product(JUDGEMENTS, JUDGEMENTS)))
def test_a_conclusion_never_contradicts_the_comparison_beside_it(
    spend: Judgement | None, buying: Judgement | None
) -> None:
    """ "No simpler method" never stands beside "worse than"."""
    result = simpler_methods.simpler_methods(power(quintiles=(spend, buying)), SEPARATION)
    if result.sentence.startswith("No simpler method tells as much"):
        assert "worse than" not in result.sentence
    if "tells more of the customers:" in result.sentence:
        assert "better than" not in result.sentence
        assert ("worse than" in result.sentence) or result.criterion != "prediction of unseen time"


@pytest.mark.parametrize(
    ("quintiles", "labels", "named"),
    [
        (("worse", "worse"), ("better", "better"), "A simpler method, RFM quintiles, tells more"),
        (("better", "better"), ("worse", "alike"), "A simpler method, k-means labels, tells more"),
        (
            ("alike", "alike"),
            ("better", "better"),
            "A simpler method, RFM quintiles, tells as much",
        ),
        (("alike", None), ("alike", None), "RFM quintiles or k-means labels, tells as much"),
        (("worse", None), ("worse", None), "RFM quintiles or k-means labels, tells more"),
    ],
)
def test_the_method_that_tells_most_is_named(
    quintiles: tuple[Judgement | None, Judgement | None],
    labels: tuple[Judgement | None, Judgement | None],
    named: str,
) -> None:
    result = simpler_methods.simpler_methods(power(quintiles=quintiles, labels=labels), SEPARATION)
    assert named in result.sentence


def test_the_features_themselves_are_no_method() -> None:
    """They are what all methods are made of: only segments and scores are rivals."""
    result = simpler_methods.simpler_methods(
        power(quintiles=("better", "better"), features=("worse", "worse")), SEPARATION
    )
    assert result.outcome == "less"


@pytest.mark.parametrize(
    ("mixture", "k_means", "outcome"),
    [
        (0.4, 0.3, "less"),
        (0.3, 0.4, "more"),
        (0.4, 0.4, "as much"),
        (0.401, 0.399, "as much"),
        (-0.1, 0.2, "more"),
        (0.2, -0.001, "less"),
    ],
)
@pytest.mark.parametrize("has_split", [True, False])
def test_without_a_time_to_predict_separation_decides(
    mixture: float, k_means: float, outcome: Outcome, has_split: bool
) -> None:
    split = power(quintiles=(None, None)) if has_split else Unavailable("feature_table has no days")
    result = simpler_methods.simpler_methods(split, Silhouettes(mixture, k_means))
    assert (result.criterion, result.outcome) == ("separation of the segments", outcome)
    reason = "too few bought in the 90 days" if has_split else "feature_table has no days"
    assert result.sentence.endswith(f"since no unseen time can be predicted: {reason})")
    assert "-0.00" not in result.sentence


@pytest.mark.parametrize(("mixture", "k_means"), [(None, None), (None, 0.3), (0.3, None)])
def test_one_segment_has_nothing_to_be_compared(
    mixture: float | None, k_means: float | None
) -> None:
    result = simpler_methods.simpler_methods(
        Unavailable("no orders"), Silhouettes(mixture, k_means)
    )
    assert (result.criterion, result.outcome) == (None, None)
    assert result.sentence.startswith("Whether a simpler method tells as much is not known")


@pytest.mark.parametrize("module", [comparison_verdict, validation_verdict])
def test_neither_verdict_has_words_of_its_own_for_it(module: object) -> None:
    """Both take the sentence from one place."""
    path = str(getattr(module, "__file__", ""))
    source = Path(path).read_text("utf-8")
    assert "simpler_methods.sentence" in source
    texts = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for words in ("o simpler method", "simpler method tells", *RIVALS):
        assert not any(words in text for text in texts)
