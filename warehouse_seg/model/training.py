"""Where a model comes from: candidates, warnings, figures of the fit. Nothing here changes a score."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from warehouse_seg.model.forecast import ModelForecast
from warehouse_seg.model.values import CovarianceType, Frozen

CandidateStatus = Literal["refused", "rejected", "chosen"]


WarningKind = Literal[
    "few_customers",
    "no_stable_segmentation",
    "no_structure",
    "search_failures",
    "bound_of_segments",
    "not_converged",
    "statement_limit",
]


class Candidate(Frozen):
    """One model that was tried, with every criterion, None where it was not measured, and what became of it.

    log_likelihood: the objective, a sum over the sample; held_out_log_likelihood: per customer that was not fitted on
    bic, aic, icl: lower is better; icl is bic with twice the memberships' entropy added
    smallest_eigenvalue: of the covariances, in standardised units; smallest_weight: of the segments
    entropy: of the memberships, nats per customer
    agreement_of_starts: adjusted Rand index of the best optima reached; spread_of_starts: their nats per customer apart
    stability: adjusted Rand index over bootstrap refits; smallest_jaccard: of the segment that repeats least
    search_failures: share of the bootstraps where a cold search ended below the warm fit
    silhouette, davies_bouldin (lower is better), calinski_harabasz: of the top segments as hard clusters
    feature_set: the name of the features that it was fitted on; BIC and the like compare within one set only
    spend_r2, buying_auc, buying_log_loss: what a mixture of its shape predicts of the window that the choice was made
        on; figures of the chosen model on time that the choice never saw are in Training.forecast
    prediction_loss: what the choice compares, lower is better: the mean of 1 - R² and of the log loss over its entropy
    status: "refused" where it is degenerate, "chosen" the recommended one, "rejected" the others; reason: why
    """

    n_components: PositiveInt
    covariance_type: CovarianceType
    log_likelihood: float | None = None
    bic: float | None = None
    aic: float | None = None
    icl: float | None = None
    held_out_log_likelihood: float | None = None
    smallest_eigenvalue: float | None = None
    smallest_weight: float | None = None
    mean_top_membership: float | None = None
    entropy: float | None = None
    agreement_of_starts: float | None = None
    spread_of_starts: float | None = None
    stability: float | None = None
    smallest_jaccard: float | None = None
    search_failures: float | None = None
    silhouette: float | None = None
    davies_bouldin: float | None = None
    calinski_harabasz: float | None = None
    feature_set: str = ""
    spend_r2: float | None = None
    buying_auc: float | None = None
    buying_log_loss: float | None = None
    prediction_loss: float | None = None
    converged: bool = False
    status: CandidateStatus = "rejected"
    reason: str = ""


class ModelWarning(Frozen):
    """What a person should know before using a model, found while it was fitted."""

    kind: WarningKind
    text: str


class Training(Frozen):
    """Where a model comes from; nothing here changes a score.

    log_likelihood: of the sample, a sum, values known up to their rounding
    sample_log_density, population_log_density: mean log density per customer, nats, of the sample and of everybody
    population_iterations: how often everybody was summed in a fit to all customers; None where the sample was enough
    recommendation: why this model, in a sentence; findings: what was seen in the features, and what was done about it
    warnings: what a person should know before using the model; every command and the tables for BI repeat them
    forecast: what the segments said of time that nothing had seen; None where the history allows no such measure
    """

    created_at: str = ""
    population_rows: int = 0
    sample_rows: int = 0
    seed: int = 0
    bic: float | None = None
    aic: float | None = None
    log_likelihood: float | None = None
    sample_log_density: float | None = None
    population_log_density: float | None = None
    population_iterations: int | None = None
    as_of_date: str | None = None
    software: dict[str, str] = Field(default_factory=dict)
    recommendation: str = ""
    findings: tuple[str, ...] = ()
    warnings: tuple[ModelWarning, ...] = ()
    forecast: ModelForecast | None = None
    notes: str = ""
