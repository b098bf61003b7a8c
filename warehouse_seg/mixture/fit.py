"""Fits a Gaussian mixture for every candidate shape and chooses one.

A search finds the best optimum of every shape (`mixture/search.py`) with the package's own EM, which knows the
rounding of the measurements (`mixture/em.py`); every criterion is measured (`mixture/criteria.py`), the best of each
number of segments is asked whether it repeats (`mixture/stability.py`), and one is recommended
(`mixture/selection.py`). Everything is deterministic: the same sample and seed give the same model, to the last bit,
whatever the number of threads.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from warehouse_seg.errors import Refused
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.preparation import Prepared, prepare, warnings_for
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import candidate_of, failed_candidate
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.search import search
from warehouse_seg.mixture.selection import (
    best_of_each_count,
    marked,
    recommend,
    structure_warning,
    usable,
)
from warehouse_seg.mixture.stability import bootstrap_stability, structure_gain
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import Candidate, ModelWarning, Training
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.segments.naming import named
from warehouse_seg.settings import FeatureChoice, ModelSettings

Array = NDArray[np.float64]

OUTLIER_QUANTILE = 0.01
NOBODY = -1e300
"""The threshold below which no log density lies."""
WORKERS = 2


@dataclass(frozen=True)
class EvaluatedCandidate:
    """A candidate with its optimum, if any was reached, and the reason why it cannot be chosen, if any."""

    candidate: Candidate
    optimum: em.EMResult | None


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
    prepared = prepare(
        sample.columns, choices, named=settings.features is not None, weight=settings.weight
    )
    for finding in prepared.findings:
        emit(Event.progress(finding))
    if require is not None:
        require(prepared.features)
    statistics = em.statistics_of(prepared)
    evaluated = _with_stability(_try_all(statistics, settings, emit), statistics, settings, emit)
    _refuse_if_all_are(evaluated)
    recommendation = recommend(
        [evaluation.candidate for evaluation in evaluated], settings, len(statistics)
    )
    best = next(
        evaluation for evaluation in evaluated if evaluation.candidate is recommendation.chosen
    )
    warnings = [
        *warnings_for(prepared),
        *recommendation.warnings,
        *_structure_warnings(prepared, best, settings.seed),
    ]
    emit(Event.step(f"recommended: {recommendation.sentence}"))
    candidates = marked([evaluation.candidate for evaluation in evaluated], recommendation.chosen)
    return assembled(
        sample,
        prepared,
        best,
        candidates,
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
    return structure_warnings(prepared, best.optimum.parameters, _shape_of(best.candidate), seed)


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


def _try_all(
    statistics: em.SufficientStatistics, settings: ModelSettings, emit: Emit
) -> list[EvaluatedCandidate]:
    """Every candidate."""
    counts = settings.segments.max - settings.segments.min + 1
    counted = _Counted(emit, len(settings.covariance) * counts)

    def chain(covariance_type: CovarianceType) -> list[EvaluatedCandidate]:
        return list(_try_growing(covariance_type, statistics, settings, counted))

    with workers() as pool:
        chains = list(pool.map(chain, settings.covariance))
    return sorted((evaluation for evaluated in chains for evaluation in evaluated), key=_by_shape)


class _Counted:
    """Emits the progress of candidates that several threads work on, with how many of them are done."""

    def __init__(self, emit: Emit, total: int) -> None:
        self._emit, self._total, self._done = emit, total, 0
        self._lock = Lock()

    def progress(self, text: str) -> None:
        """One more candidate is done."""
        with self._lock:
            self._done += 1
            self._emit(Event.progress(text, self._done, self._total))


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Threads on which the libraries have one thread each: their sums must not depend on the number of cores."""
    # BLAS has one limit for the process, OpenMP one for each thread that calls it.
    limited = {"initializer": threadpool_limits, "initargs": (1,)}
    with threadpool_limits(1), ThreadPoolExecutor(WORKERS, **limited) as pool:
        yield pool


def _by_shape(evaluated: EvaluatedCandidate) -> tuple[int, str]:
    return evaluated.candidate.n_components, evaluated.candidate.covariance_type


def _try_growing(
    covariance_type: CovarianceType,
    statistics: em.SufficientStatistics,
    settings: ModelSettings,
    counted: _Counted,
) -> Iterator[EvaluatedCandidate]:
    """The candidates of one covariance type, each also started from splits of the one before."""
    smaller = None
    for count in range(settings.segments.min, settings.segments.max + 1):
        shape = Shape(count, covariance_type)
        evaluated = _try(shape, statistics, settings, smaller)
        smaller = evaluated.optimum.parameters if evaluated.optimum else None
        bic = "" if evaluated.candidate.bic is None else f"BIC {evaluated.candidate.bic:,.0f}"
        counted.progress(f"{shape}: {bic} {refusal_text(evaluated.candidate)}".rstrip())
        yield evaluated


def _try(
    shape: Shape,
    statistics: em.SufficientStatistics,
    settings: ModelSettings,
    smaller: Parameters | None,
) -> EvaluatedCandidate:
    try:
        result = search(statistics, shape, settings.seed, smaller=smaller)
    except np.linalg.LinAlgError as error:
        return EvaluatedCandidate(failed_candidate(shape, f"no optimum: {error}"), None)
    return EvaluatedCandidate(candidate_of(shape, result, statistics, settings), result.best)


def _with_stability(
    evaluated: Sequence[EvaluatedCandidate],
    statistics: em.SufficientStatistics,
    settings: ModelSettings,
    emit: Emit,
) -> list[EvaluatedCandidate]:
    """The candidates, those with the lowest BIC of their number of segments asked whether they repeat."""
    compared = best_of_each_count([evaluation.candidate for evaluation in evaluated])
    counted = _Counted(emit, sum(candidate.n_components > 1 for candidate in compared))

    def with_stability(evaluation: EvaluatedCandidate) -> EvaluatedCandidate:
        if (
            evaluation.candidate not in compared
            or evaluation.optimum is None
            or evaluation.candidate.n_components == 1
        ):
            return evaluation
        shape = _shape_of(evaluation.candidate)
        stability = bootstrap_stability(
            statistics, evaluation.optimum.parameters, shape, settings.seed
        )
        counted.progress(f"{shape}: stability {stability.agreement:.2f}")
        measured = {
            "stability": stability.agreement,
            "smallest_jaccard": min(stability.jaccard),
            "search_failures": stability.search_failures,
        }
        return EvaluatedCandidate(
            evaluation.candidate.model_copy(update=measured), evaluation.optimum
        )

    with workers() as pool:
        return list(pool.map(with_stability, evaluated))


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


def refusal_text(candidate: Candidate) -> str:
    """`refused: why`, or nothing."""
    return f"refused: {candidate.reason}" if candidate.status == "refused" else ""


def _shape_of(candidate: Candidate) -> Shape:
    return Shape(candidate.n_components, candidate.covariance_type)


def _refuse_if_all_are(evaluated: Sequence[EvaluatedCandidate]) -> None:
    candidates = [evaluation.candidate for evaluation in evaluated]
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
