"""How well a description of customers predicts what they do next: cross-validated regressions, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    RepeatedKFold,
    RepeatedStratifiedKFold,
    cross_val_score,
    cross_validate,
)

Array = NDArray[np.float64]
Labels = NDArray[np.intp]
Judgement = Literal["better", "alike", "worse"]

FOLDS, REPEATS = 5, 2
SIGNIFICANT_ERRORS = 2.0
"""Standard errors by which one prediction has to be better than another."""

MIN_BUYERS = 50


@dataclass(frozen=True)
class Prediction:
    """How well one source predicts what the customers of a day do after it, by cross-validation.

    source: what the prediction is made from, such as memberships
    spend_r2: share of the variance of ln(1 + spend) that ridge regression explains
    buying_auc, buying_log_loss: of logistic regression, whether a customer buys at all (lower loss is better)
    spend_comparison, buying_comparison: how the first source predicts, compared with this one; None for itself, and
        where nothing was measured
    """

    source: str
    spend_r2: float | None
    buying_auc: float | None
    buying_log_loss: float | None
    spend_comparison: Judgement | None = None
    buying_comparison: Judgement | None = None


@dataclass(frozen=True)
class _Scores:
    """Score per fold, higher is better; None where there was too little to predict."""

    spend: Array | None
    auc: Array | None
    loss: Array | None


def predictions(
    designs: Mapping[str, Array], spend: Array, bought: NDArray[np.bool_], seed: int
) -> tuple[Prediction, ...]:
    """How well each source predicts the customers' spend and whether they buy at all.

    designs: source → (n, columns), the first is compared with the others; spend (n,), bought (n,): afterwards
    Five folds, twice. A difference counts where it is two standard errors, corrected for folds that share customers
    (Nadeau and Bengio, 2003, *Inference for the generalization error*).
    """
    scores = {source: _scores(design, spend, bought, seed) for source, design in designs.items()}
    first = next(iter(scores))
    return tuple(
        Prediction(
            source=source,
            spend_r2=_mean(own.spend),
            buying_auc=_mean(own.auc),
            buying_log_loss=None if own.loss is None else -float(own.loss.mean()),
            spend_comparison=judgement(scores[first].spend, own.spend) if source != first else None,
            buying_comparison=judgement(scores[first].loss, own.loss) if source != first else None,
        )
        for source, own in scores.items()
    )


def judgement(first: Array | None, other: Array | None) -> Judgement | None:
    """How the first scores per fold compare with the other ones, by two corrected standard errors."""
    if first is None or other is None:
        return None
    difference = first - other
    test_to_train = 1 / (FOLDS - 1)
    error = np.sqrt((1 / len(difference) + test_to_train) * difference.var(ddof=1))
    if abs(difference.mean()) <= SIGNIFICANT_ERRORS * error:
        return "alike"
    return "better" if difference.mean() > 0 else "worse"


def indicators(labels: Labels) -> Array:
    """Labels (n,) → one column of 0 and 1 for each that occurs."""
    columns: Array = (labels[:, None] == np.unique(labels)).astype(float)
    return columns


def _scores(design: Array, spend: Array, bought: NDArray[np.bool_], seed: int) -> _Scores:
    logarithm = np.log1p(np.maximum(spend, 0.0))
    buyers = int(bought.sum())
    folds = RepeatedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=seed)
    by_class = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=seed)
    explained = auc = loss = None
    if buyers >= MIN_BUYERS:
        explained = cross_val_score(Ridge(), design, logarithm, cv=folds, scoring="r2")
    if min(buyers, len(bought) - buyers) >= MIN_BUYERS:
        measured = cross_validate(
            LogisticRegression(max_iter=1_000),
            design,
            bought,
            cv=by_class,
            scoring=("roc_auc", "neg_log_loss"),
        )
        auc, loss = measured["test_roc_auc"], measured["test_neg_log_loss"]
    return _Scores(explained, auc, loss)


def _mean(values: Array | None) -> float | None:
    return None if values is None else float(values.mean())
