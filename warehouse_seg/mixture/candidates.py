"""The candidates of one feature set: every shape searched, measured, and asked whether it repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from warehouse_seg.events import Emit, Event
from warehouse_seg.features.feature_sets import FeatureSet
from warehouse_seg.features.preparation import Prepared, prepare
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import candidate_of, failed_candidate
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.search import search
from warehouse_seg.mixture.selection import best_of_each_count
from warehouse_seg.mixture.stability import bootstrap_stability
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.training import Candidate
from warehouse_seg.model.values import CovarianceType
from warehouse_seg.settings import ModelSettings

Array = NDArray[np.float64]

WORKERS = 2


@dataclass(frozen=True)
class EvaluatedCandidate:
    """A candidate with its optimum, None where none was reached.

    losses (n,): of every customer of an earlier day whose next days it predicts, lower is better; None where that was
        not measured
    """

    candidate: Candidate
    optimum: em.EMResult | None
    losses: Array | None = None

    @property
    def shape(self) -> Shape:
        """The candidate's shape."""
        return Shape(self.candidate.n_components, self.candidate.covariance_type)


@dataclass(frozen=True)
class EvaluatedSet:
    """A feature set with its customers as a mixture sees them, and all of its candidates."""

    feature_set: FeatureSet
    prepared: Prepared
    statistics: em.SufficientStatistics
    candidates: tuple[EvaluatedCandidate, ...]


def evaluated_set(
    sample: Sample,
    feature_set: FeatureSet,
    settings: ModelSettings,
    emit: Emit,
    require: Callable[[Sequence[Feature]], None] | None = None,
) -> EvaluatedSet:
    """Every shape of `settings` on these features, the best of each number of segments asked whether it repeats.

    require: raises where a model of these features could not be used; asked before the search, which takes minutes
    Raises UsageError for columns that cannot be used.
    """
    prepared = prepare(
        sample.columns,
        feature_set.choices,
        named=settings.features is not None,
        weight=settings.weight,
        references=feature_set.references,
    )
    for finding in prepared.findings:
        emit(Event.progress(finding))
    if require is not None:
        require(prepared.features)
    statistics = em.statistics_of(prepared)
    shapes = [
        replace(e, candidate=e.candidate.model_copy(update={"feature_set": feature_set.name}))
        for e in evaluated_shapes(statistics, settings, emit)
    ]
    candidates = with_stability(shapes, statistics, settings, emit)
    return EvaluatedSet(feature_set, prepared, statistics, tuple(candidates))


def evaluated_shapes(
    statistics: em.SufficientStatistics, settings: ModelSettings, emit: Emit
) -> list[EvaluatedCandidate]:
    """Every candidate of `settings`, without its stability."""
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


def with_stability(
    evaluated: Sequence[EvaluatedCandidate],
    statistics: em.SufficientStatistics,
    settings: ModelSettings,
    emit: Emit,
) -> list[EvaluatedCandidate]:
    """The candidates, those with the lowest BIC of their number of segments asked whether they repeat."""
    compared = best_of_each_count([evaluation.candidate for evaluation in evaluated])
    counted = _Counted(emit, sum(candidate.n_components > 1 for candidate in compared))

    def measured(evaluation: EvaluatedCandidate) -> EvaluatedCandidate:
        if (
            evaluation.candidate not in compared
            or evaluation.optimum is None
            or evaluation.candidate.n_components == 1
        ):
            return evaluation
        stability = bootstrap_stability(
            statistics, evaluation.optimum.parameters, evaluation.shape, settings.seed
        )
        counted.progress(f"{evaluation.shape}: stability {stability.agreement:.2f}")
        figures = {
            "stability": stability.agreement,
            "smallest_jaccard": min(stability.jaccard),
            "search_failures": stability.search_failures,
        }
        return replace(evaluation, candidate=evaluation.candidate.model_copy(update=figures))

    with workers() as pool:
        return list(pool.map(measured, evaluated))


def refusal_text(candidate: Candidate) -> str:
    """`refused: why`, or nothing."""
    return f"refused: {candidate.reason}" if candidate.status == "refused" else ""
