"""Fits a Gaussian mixture for every candidate shape and chooses one.

A search finds the best optimum of every shape (`mixture/search.py`) with the package's own EM, which knows the
rounding of the measurements (`mixture/em.py`); every criterion is measured (`mixture/criteria.py`), the best of each
number of segments is asked whether it repeats (`mixture/stability.py`), and one is recommended
(`mixture/selection.py`). Everything is deterministic: the same sample and seed give the same model, to the last bit,
whatever the number of threads.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from warehouse_seg.errors import Refused
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.feature_sets import named_features
from warehouse_seg.features.preparation import Prepared, warnings_for
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.candidates import (
    EvaluatedCandidate,
    EvaluatedSet,
    evaluated_set,
    refusal_text,
)
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.selection import (
    Recommendation,
    marked,
    recommend,
    structure_warning,
    usable,
)
from warehouse_seg.mixture.stability import structure_gain
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import Candidate, ModelWarning, Training
from warehouse_seg.segments.naming import named
from warehouse_seg.settings import FeatureChoice, ModelSettings

Array = NDArray[np.float64]

OUTLIER_QUANTILE = 0.01
NOBODY = -1e300
"""The threshold below which no log density lies."""


def fit_model(
    sample: Sample,
    choices: Sequence[FeatureChoice],
    settings: ModelSettings,
    *,
    notes: str = "",
    emit: Emit = silent,
    require: Callable[[Sequence[Feature]], None] | None = None,
) -> SegmentModel:
    """The mixture that `selection` recommends among the shapes in `settings`.

    require: raises where a model of these features could not be used; asked before the search, which takes minutes
    Raises UsageError for columns that cannot be used, Refused where every candidate is degenerate.
    """
    feature_set = named_features(choices)
    evaluated = evaluated_set(sample, feature_set, settings, emit, require)
    candidates = [evaluation.candidate for evaluation in evaluated.candidates]
    refuse_if_all_are(candidates)
    recommendation = recommend(candidates, settings, len(evaluated.statistics))
    return finished(
        sample,
        evaluated,
        recommendation,
        marked(candidates, recommendation.chosen),
        settings,
        notes,
        emit,
    )


def finished(
    sample: Sample,
    evaluated: EvaluatedSet,
    recommendation: Recommendation,
    candidates: Sequence[Candidate],
    settings: ModelSettings,
    notes: str,
    emit: Emit,
) -> SegmentModel:
    """The model of the recommended candidate, which is one of the set's, with everything to know about it.

    candidates: all that were tried, of all sets, the chosen one marked
    """
    best = next(e for e in evaluated.candidates if e.candidate is recommendation.chosen)
    warnings = [
        *warnings_for(evaluated.prepared),
        *recommendation.warnings,
        *_structure_warnings(evaluated.prepared, best, settings.seed),
    ]
    emit(Event.step(f"recommended: {recommendation.sentence}"))
    return assembled(
        sample,
        evaluated.prepared,
        best,
        tuple(candidates),
        settings.seed,
        notes,
        recommendation=recommendation.sentence,
        warnings=warnings,
    )


def _structure_warnings(
    prepared: Prepared, best: EvaluatedCandidate, seed: int
) -> list[ModelWarning]:
    if best.optimum is None:
        return []
    return structure_warnings(prepared, best.optimum.parameters, best.shape, seed)


def assembled(
    sample: Sample,
    prepared: Prepared,
    best: EvaluatedCandidate,
    candidates: tuple[Candidate, ...],
    seed: int,
    notes: str,
    *,
    recommendation: str = "",
    warnings: Sequence[ModelWarning] = (),
) -> SegmentModel:
    """The model of the chosen optimum, with where it comes from, its outlier threshold and named segments.

    best: has an optimum on `prepared`, which is made of `sample`
    candidates: all that were tried, the chosen one marked
    """
    training = Training(
        created_at=datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
        population_rows=sample.population_rows,
        sample_rows=len(prepared.z),
        seed=seed,
        bic=best.candidate.bic,
        aic=best.candidate.aic,
        log_likelihood=best.candidate.log_likelihood,
        as_of_date=sample.as_of_date,
        software=software_versions(),
        recommendation=recommendation,
        findings=prepared.findings,
        warnings=tuple(warnings),
        notes=notes,
    )
    model = SegmentModel(
        covariance_type=best.candidate.covariance_type,
        features=prepared.features,
        components=_components(best.optimum.parameters) if best.optimum else (),
        categories=sample.categories,
        training=training,
        candidates=candidates,
    )
    return described(model, sample, prepared.weights)


def described(model: SegmentModel, sample: Sample, weights: Array | None = None) -> SegmentModel:
    """The model with what its parameters say of the sample: log density, outlier threshold, names of segments."""
    log_density = logsumexp(model.log_joint(sample.columns), axis=1)
    complete = ~np.isnan(model.standardized(sample.columns)).any(axis=1)
    # Others' log densities are of fewer features.
    threshold = NOBODY
    if complete.any():
        own = None if weights is None else weights[complete]
        threshold = _quantile(log_density[complete], OUTLIER_QUANTILE, own)
    mean = float(np.average(log_density, weights=weights))
    training = model.training.model_copy(update={"sample_log_density": mean})
    update = {"outlier_log_density": threshold, "training": training}
    return named(model.model_copy(update=update), sample.columns, weights=weights)


def _quantile(values: Array, share: float, weights: Array | None) -> float:
    """The quantile of values (n,); by weight (n,) the smallest value that reaches the share."""
    if weights is None:
        return float(np.quantile(values, share))
    return float(np.quantile(values, share, weights=weights, method="inverted_cdf"))


def software_versions() -> dict[str, str]:
    """What a fit depends on, for the registry."""
    packages = ("warehouse-seg", "numpy", "scipy", "scikit-learn", "duckdb", "ibis-framework")
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def structure_warnings(
    prepared: Prepared, parameters: Parameters, shape: Shape, seed: int
) -> list[ModelWarning]:
    """What to say of a mixture of this shape that describes customers with shuffled columns as well."""
    if shape.n_components == 1 or prepared.z.shape[1] == 1:
        return []
    with threadpool_limits(1):
        gain = structure_gain(
            prepared.z, prepared.rounding_variance, parameters, shape, seed, prepared.weights
        )
    warning = structure_warning(gain)
    return [warning] if warning else []


def refuse_if_all_are(candidates: Sequence[Candidate]) -> None:
    """Raise Refused where no candidate can be chosen, with the reason of each."""
    if usable(candidates):
        return
    listed = "\n  ".join(
        f"{candidate.n_components} {candidate.covariance_type}: {refusal_text(candidate)}"
        for candidate in candidates
    )
    raise Refused(
        "every candidate was refused, nothing was stored:\n  "
        + listed
        + "\nAllow fewer segments (`model.segments.min`), a smaller `model.min_segment_share`, or leave out "
        "features that take few values"
    )


def _components(parameters: Parameters) -> tuple[Component, ...]:
    """The mixture's components as segments, the largest first."""
    order = np.argsort(-parameters.weights, kind="stable")
    return tuple(
        Component.from_covariance(
            f"s{position}",
            float(parameters.weights[k]),
            parameters.means[k],
            parameters.covariances[k],
            f"Segment {position}",
        )
        for position, k in enumerate(order, start=1)
    )
