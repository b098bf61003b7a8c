"""What a description of customers says about the time after it: an honest time split, cross-validated.

Everything is prepared and fitted as of an earlier day; what customers did since then is the outcome. Memberships have
to beat what is simpler: labels of k-means, RFM quintiles. The features themselves say how much there was to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    RepeatedKFold,
    RepeatedStratifiedKFold,
    cross_val_score,
    cross_validate,
)

from warehouse_seg.evaluation.rfm_rules import rfm_scores
from warehouse_seg.mixture import em
from warehouse_seg.mixture.search import Shape, search
from warehouse_seg.project.time_split import TimeSplit

Array = NDArray[np.float64]
Labels = NDArray[np.intp]
Judgement = Literal["better", "alike", "worse"]

FOLDS, REPEATS = 5, 2
SIGNIFICANT_ERRORS = 2.0
"""Standard errors by which one prediction has to be better than another."""

MIN_BUYERS = 50


@dataclass(frozen=True)
class Prediction:
    """What one description of the customers of a day says about the time after it, by cross-validation.

    spend_r2: share of the variance of ln(1 + spend) that ridge regression explains
    buying_auc, buying_log_loss: of logistic regression, whether a customer buys at all (lower loss is better)
    spend, buying: how the first description predicts, compared with this one; None for itself, and where neither was
        measured
    """

    by: str
    spend_r2: float | None
    buying_auc: float | None
    buying_log_loss: float | None
    spend: Judgement | None = None
    buying: Judgement | None = None


@dataclass(frozen=True)
class _Scores:
    """Score per fold, higher is better; nothing where there was nothing to predict."""

    spend: Array | None
    auc: Array | None
    loss: Array | None


def predictions(
    designs: Mapping[str, Array], spend: Array, bought: NDArray[np.bool_], seed: int
) -> tuple[Prediction, ...]:
    """How well each description of customers predicts their spend and whether they buy at all.

    designs: name → (n, columns), the first is judged beside the others; spend (n,), bought (n,): of the time after
    Five folds, twice. A difference counts where it is two standard errors, corrected for folds that share customers
    (Nadeau and Bengio, 2003, *Inference for the generalization error*).
    """
    scores = {name: _scores(design, spend, bought, seed) for name, design in designs.items()}
    own = next(iter(scores))
    return tuple(
        Prediction(
            by=name,
            spend_r2=_mean(found.spend),
            buying_auc=_mean(found.auc),
            buying_log_loss=None if found.loss is None else -float(found.loss.mean()),
            spend=None if name == own else judged(scores[own].spend, found.spend),
            buying=None if name == own else judged(scores[own].loss, found.loss),
        )
        for name, found in scores.items()
    )


def judged(own: Array | None, other: Array | None) -> Judgement | None:
    """Whether the own scores per fold are better than the others', by two corrected standard errors."""
    if own is None or other is None:
        return None
    difference = own - other
    test_to_train = 1 / (FOLDS - 1)
    error = np.sqrt((1 / len(difference) + test_to_train) * difference.var(ddof=1))
    if abs(difference.mean()) <= SIGNIFICANT_ERRORS * error:
        return "alike"
    return "better" if difference.mean() > 0 else "worse"


def historical_memberships(time_split: TimeSplit, shape: Shape, seed: int) -> Array:
    """Memberships (n, K) of a mixture of this shape that was fitted on what was known on that day."""
    fit = search(time_split.statistics, shape, seed).best
    memberships, _ = em.expectation(time_split.statistics, fit.parameters)
    return memberships.T


def predictive_power(time_split: TimeSplit, shape: Shape, seed: int) -> tuple[Prediction, ...]:
    """What memberships say about the time after an earlier day, beside what they have to beat.

    Raises numpy.linalg.LinAlgError where no mixture of this shape can be fitted as of that day.
    """
    memberships = historical_memberships(time_split, shape, seed)
    labels = KMeans(shape.n_components, n_init=10, random_state=seed).fit_predict(
        time_split.statistics.z
    )
    designs = {
        "memberships": memberships,
        "top segment": indicators(memberships.argmax(axis=1)),
        "k-means labels": indicators(labels),
        "RFM quintiles": np.hstack([indicators(s) for s in rfm_scores(*time_split.history.T).T]),
        "the features themselves": time_split.statistics.z,
    }
    return predictions(designs, time_split.spend, time_split.bought, seed)


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
