"""How well a description of customers predicts what they do next, beside other descriptions of the same customers.

Two ways: *frozen*, where the regressions are fitted on the customers of an earlier day and what they did, and predict
what those of a later day do; and *cross-validated* within one day and the window after it, where only choices are made
from the figures. Ridge regression predicts spend, logistic regression whether a customer buys at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.intp]
Judgement = Literal["better", "alike", "worse"]

FOLDS = 5
SIGNIFICANT_ERRORS = 2.0
"""Standard errors by which one prediction has to be better than another."""

MIN_BUYERS = 50
"""Fewer who bought, or who did not, predict nothing."""

MIN_PROBABILITY = 1e-6
"""No customer is so certain that the logarithm of the other outcome is beyond measure."""


@dataclass(frozen=True)
class Outcomes:
    """What customers did in a window.

    spend (n,): ln(1 + max(spend, 0) / median order value as of the first day that is predicted from), so that the
        figures do not depend on the currency; bought (n,): whether they bought at all
    """

    spend: Array
    bought: Flags

    @classmethod
    def of(cls, net_spend: Array, order_count: Array, median_order_value: float) -> Outcomes:
        """The outcomes of raw net spend (n,) and orders (n,) in the window; refunds that exceed spend are no spend."""
        relative = np.maximum(net_spend, 0.0) / median_order_value
        return cls(np.log1p(relative), order_count > 0)

    def first(self, count: int) -> Outcomes:
        """Those of the first so many customers."""
        return Outcomes(self.spend[:count], self.bought[:count])

    @property
    def buyers(self) -> int:
        """How many bought."""
        return int(self.bought.sum())

    @property
    def has_spend(self) -> bool:
        """Whether enough bought to predict how much they spend."""
        return self.buyers >= MIN_BUYERS

    @property
    def has_buying(self) -> bool:
        """Whether enough bought, and enough did not, to predict who does."""
        return min(self.buyers, len(self.bought) - self.buyers) >= MIN_BUYERS


@dataclass(frozen=True)
class Difference:
    """How much better the first source predicts than another, of the same customers; positive is better."""

    value: float
    standard_error: float

    @property
    def judgement(self) -> Judgement:
        """Better or worse where it is two standard errors."""
        if abs(self.value) <= SIGNIFICANT_ERRORS * self.standard_error:
            return "alike"
        return "better" if self.value > 0 else "worse"


@dataclass(frozen=True)
class Prediction:
    """How well one source predicts what customers do in a window; None where too little was bought to say.

    source: what the prediction is made from, such as memberships
    spend_r2: share of the variance of ln(1 + spend / median order value) that is explained
    buying_auc, buying_log_loss: whether a customer buys at all (lower loss is better)
    spend_comparison, buying_comparison: how the first source predicts, compared with this one, by R² and by log loss;
        None for itself
    spend_r2_ahead, buying_auc_ahead, buying_log_loss_ahead: by how much, with standard errors of paired differences
    """

    source: str
    spend_r2: float | None
    buying_auc: float | None
    buying_log_loss: float | None
    spend_comparison: Judgement | None = None
    buying_comparison: Judgement | None = None
    spend_r2_ahead: Difference | None = None
    buying_auc_ahead: Difference | None = None
    buying_log_loss_ahead: Difference | None = None


@dataclass(frozen=True)
class Forecast:
    """What was predicted of customers, beside what they did.

    spend (n,), buying (n,): predicted spend and probability of buying; None where too little was bought to say
    """

    outcomes: Outcomes
    spend: Array | None
    buying: Array | None

    @property
    def spend_losses(self) -> Array | None:
        """Squared errors over the variance of the outcome (n,); their mean is 1 - R²."""
        if self.spend is None:
            return None
        losses: Array = (self.outcomes.spend - self.spend) ** 2 / self.outcomes.spend.var()
        return losses

    @property
    def buying_losses(self) -> Array | None:
        """Log losses (n,), in nats."""
        if self.buying is None:
            return None
        losses: Array = -np.log(np.where(self.outcomes.bought, self.buying, 1 - self.buying))
        return losses

    @property
    def spend_r2(self) -> float | None:
        """Share of the variance of spend that is explained."""
        return None if self.spend_losses is None else 1 - float(self.spend_losses.mean())

    @property
    def buying_auc(self) -> float | None:
        """How often a buyer was ranked above one who did not buy."""
        if self.buying is None:
            return None
        above, _ = placements(self.buying, self.outcomes.bought)
        return float(above.mean())

    @property
    def buying_log_loss(self) -> float | None:
        """Mean log loss, nats."""
        return None if self.buying_losses is None else float(self.buying_losses.mean())


def frozen_forecast(
    design: Array, outcomes: Outcomes, later_design: Array, later: Outcomes
) -> Forecast:
    """What regressions fitted on earlier customers predict of later ones.

    design (n, p), outcomes: of the earlier day; later_design (m, p), later: of the day that is predicted from
    """
    spend = buying = None
    if outcomes.has_spend and later.has_spend:
        spend = Ridge().fit(design, outcomes.spend).predict(later_design)
    if outcomes.has_buying and later.has_buying:
        buying = _probabilities(design, outcomes.bought, later_design)
    return Forecast(later, spend, buying)


def cross_validated_forecast(design: Array, outcomes: Outcomes, seed: int) -> Forecast:
    """What regressions predict of the customers that they were not fitted on, in five folds. design (n, p)."""
    spend, buying = np.zeros(len(design)), np.zeros(len(design))
    for fitted, other in KFold(FOLDS, shuffle=True, random_state=seed).split(design):
        if outcomes.has_spend:
            ridge = Ridge().fit(design[fitted], outcomes.spend[fitted])
            spend[other] = ridge.predict(design[other])
        if outcomes.has_buying:
            buying[other] = _probabilities(design[fitted], outcomes.bought[fitted], design[other])
    return Forecast(
        outcomes,
        spend if outcomes.has_spend else None,
        buying if outcomes.has_buying else None,
    )


def compared(forecasts: Mapping[str, Forecast]) -> tuple[Prediction, ...]:
    """The figures of every source's forecast of the same customers, the first compared with each of the others."""
    first = next(iter(forecasts))
    return tuple(
        _prediction(source, own, None if source == first else forecasts[first])
        for source, own in forecasts.items()
    )


def paired(losses: Array, other_losses: Array) -> Difference:
    """How much lower the losses (n,) are than the other ones, on average, of the same customers."""
    difference = other_losses - losses
    return Difference(
        float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
    )


def paired_auc(buying: Array, other: Array, bought: Flags) -> Difference:
    """How much greater the AUC of predictions (n,) is than that of others (n,), of the same customers.

    Its variance as DeLong, DeLong and Clarke-Pearson (1988) derive it from placements.
    """
    (above, below), (other_above, other_below) = (
        placements(buying, bought),
        placements(other, bought),
    )
    buyers, others = above - other_above, below - other_below
    variance = buyers.var(ddof=1) / len(buyers) + others.var(ddof=1) / len(others)
    return Difference(float(buyers.mean()), float(np.sqrt(variance)))


def placements(predicted: Array, bought: Flags) -> tuple[Array, Array]:
    """For every buyer the share of the others ranked below, for every other customer the share of buyers ranked above.

    Ties count half; both have the AUC as their mean.
    """
    ranks = rankdata(predicted)
    buyers, others = bought.sum(), (~bought).sum()
    above = (ranks[bought] - rankdata(predicted[bought])) / others
    below = 1 - (ranks[~bought] - rankdata(predicted[~bought])) / buyers
    return above, below


def indicators(labels: Labels, levels: Labels | None = None) -> Array:
    """Labels (n,) → one column of 0 and 1 for each of `levels`, or for each that occurs."""
    columns: Array = (labels[:, None] == (np.unique(labels) if levels is None else levels)).astype(
        float
    )
    return columns


def _probabilities(design: Array, bought: Flags, other_design: Array) -> Array:
    # Few columns and many rows: Newton's steps take a hundredth of the default's time.
    model = LogisticRegression(solver="newton-cholesky").fit(design, bought)
    probabilities: Array = model.predict_proba(other_design)[:, 1]
    return np.clip(probabilities, MIN_PROBABILITY, 1 - MIN_PROBABILITY)


def _prediction(source: str, own: Forecast, first: Forecast | None) -> Prediction:
    spend = auc = loss = None
    if first is not None and first.spend_losses is not None and own.spend_losses is not None:
        spend = paired(first.spend_losses, own.spend_losses)
    if first is not None and first.buying is not None and own.buying is not None:
        auc = paired_auc(first.buying, own.buying, own.outcomes.bought)
        assert first.buying_losses is not None  # noqa: S101 - made from what was just checked
        assert own.buying_losses is not None  # noqa: S101
        loss = paired(first.buying_losses, own.buying_losses)
    return Prediction(
        source,
        own.spend_r2,
        own.buying_auc,
        own.buying_log_loss,
        spend.judgement if spend else None,
        loss.judgement if loss else None,
        spend,
        auc,
        loss,
    )
