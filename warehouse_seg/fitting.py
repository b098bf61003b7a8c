"""Fits a Gaussian mixture for every candidate shape and chooses one.

A search finds the best optimum of every shape (`search.py`), the package's own EM refines it with the
rounding of the measurements known (`em.py`). Everything is deterministic: the same sample and seed
give the same model, to the last bit, whatever the number of threads.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from warehouse_seg import em
from warehouse_seg.errors import Refused
from warehouse_seg.model import (
    Candidate,
    Component,
    CovarianceType,
    SegmentModel,
    Training,
)
from warehouse_seg.naming import named
from warehouse_seg.preparation import Prepared, Sample, prepare, warnings_for
from warehouse_seg.progress import Progress, silent
from warehouse_seg.search import Shape, search
from warehouse_seg.settings import FeatureChoice, ModelSettings

Array = NDArray[np.float64]

SMALLEST_EIGENVALUE = 1e-4
"""A component whose standard deviation is below 1 % of the population's along some direction is a spike."""

OUTLIER_QUANTILE = 0.01
WORKERS = 2


@dataclass(frozen=True)
class Tried:
    """A candidate with its optimum, if any was reached, and the reason why it cannot be chosen, if any."""

    candidate: Candidate
    optimum: em.Fit | None


def fit_model(
    sample: Sample,
    choices: Sequence[FeatureChoice],
    settings: ModelSettings,
    *,
    notes: str = "",
    progress: Progress = silent,
) -> SegmentModel:
    """The mixture with the lowest BIC among the shapes in `settings` that did not collapse.

    Raises UsageError for columns that cannot be used, Refused where every candidate is degenerate.
    """
    prepared = prepare(sample.columns, choices)
    for warning in warnings_for(prepared):
        progress(f"warning: {warning}")
    moments = em.moments_of(prepared.z, prepared.psi)
    tried = _try_all(prepared, moments, settings, progress)
    best = _choose(tried)
    candidates = tuple(_marked(one, best) for one in tried)
    return assembled(sample, prepared, best, candidates, settings.seed, notes)


def assembled(
    sample: Sample,
    prepared: Prepared,
    best: Tried,
    candidates: tuple[Candidate, ...],
    seed: int,
    notes: str,
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
    log_density = logsumexp(model.log_joint(sample.columns), axis=1)
    threshold = float(np.quantile(log_density, OUTLIER_QUANTILE))
    return named(model.model_copy(update={"outlier_log_density": threshold}))


def software_versions() -> dict[str, str]:
    """What a fit depends on, for the registry."""
    packages = ("warehouse-seg", "numpy", "scipy", "scikit-learn", "duckdb", "ibis-framework")
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def _try_all(
    prepared: Prepared, moments: Array, settings: ModelSettings, progress: Progress
) -> list[Tried]:
    """Every candidate. The libraries get one thread each: their sums must not depend on the number of cores."""

    def chain(covariance_type: CovarianceType) -> list[Tried]:
        return list(_try_growing(covariance_type, prepared.z, moments, settings, progress))

    # BLAS has one limit for the process, OpenMP one for each thread that calls it.
    limited = {"initializer": threadpool_limits, "initargs": (1,)}
    with threadpool_limits(1), ThreadPoolExecutor(WORKERS, **limited) as pool:
        chains = list(pool.map(chain, settings.covariance))
    return sorted((one for tried in chains for one in tried), key=_by_shape)


def _by_shape(tried: Tried) -> tuple[int, str]:
    return tried.candidate.n_components, tried.candidate.covariance_type


def _try_growing(
    covariance_type: CovarianceType,
    z: Array,
    moments: Array,
    settings: ModelSettings,
    progress: Progress,
) -> Iterator[Tried]:
    """The candidates of one covariance type, each also started from splits of the one before."""
    smaller = None
    for count in range(settings.segments.min, settings.segments.max + 1):
        shape = Shape(count, covariance_type)
        tried = _try(shape, z, moments, settings, smaller)
        smaller = tried.optimum.parameters if tried.optimum else None
        bic = "" if tried.candidate.bic is None else f"BIC {tried.candidate.bic:,.0f}"
        progress(f"  {shape}: {bic} {tried.candidate.reason}".rstrip())
        yield tried


def _try(
    shape: Shape,
    z: Array,
    moments: Array,
    settings: ModelSettings,
    smaller: em.Parameters | None,
) -> Tried:
    try:
        optimum = search(z, moments, shape, settings.seed, smaller=smaller).best
    except np.linalg.LinAlgError as error:
        return Tried(_failed(shape, f"no optimum: {error}"), None)
    return Tried(measured(shape, optimum, moments, settings), optimum)


def measured(shape: Shape, optimum: em.Fit, moments: Array, settings: ModelSettings) -> Candidate:
    """Every criterion of an optimum; lower BIC and AIC are better, as in scikit-learn."""
    responsibilities, objective = em.expectation(moments, optimum.parameters)
    size = optimum.parameters.means.shape[1]
    free = em.parameter_count(shape.n_components, size, shape.covariance_type)
    eigenvalue = optimum.parameters.smallest_eigenvalue
    weight = float(optimum.parameters.weights.min())
    reason = ""
    if eigenvalue < SMALLEST_EIGENVALUE:
        reason = f"refused: collapsed (smallest eigenvalue {eigenvalue:.1e})"
    elif weight < settings.min_segment_share:
        reason = f"refused: smallest segment {weight:.1%} < {settings.min_segment_share:.0%}"
    return Candidate(
        n_components=shape.n_components,
        covariance_type=shape.covariance_type,
        log_likelihood=objective,
        bic=-2 * objective + free * float(np.log(len(moments))),
        aic=-2 * objective + 2 * free,
        smallest_eigenvalue=eigenvalue,
        smallest_weight=weight,
        mean_top_membership=float(responsibilities.max(axis=0).mean()),
        converged=optimum.converged,
        chosen=False,
        reason=reason,
    )


def _failed(shape: Shape, reason: str) -> Candidate:
    unknown = ("log_likelihood", "bic", "aic", "smallest_eigenvalue", "smallest_weight")
    return Candidate(
        n_components=shape.n_components,
        covariance_type=shape.covariance_type,
        mean_top_membership=None,
        converged=False,
        chosen=False,
        reason=f"refused: {reason}",
        **dict.fromkeys(unknown),
    )


def _choose(tried: Sequence[Tried]) -> Tried:
    usable = [one for one in tried if not one.candidate.reason]
    if not usable:
        listed = "\n  ".join(
            f"{one.candidate.n_components} {one.candidate.covariance_type}: {one.candidate.reason}"
            for one in tried
        )
        raise Refused(
            "every candidate was refused, nothing was stored:\n  "
            + listed
            + "\nAllow fewer segments (`model.segments.min`), a smaller `model.min_segment_share`, or leave out "
            "features that take few values"
        )
    return min(usable, key=lambda one: one.candidate.bic or 0.0)


def _marked(one: Tried, best: Tried) -> Candidate:
    """The candidate with its final reason."""
    if one is best:
        return one.candidate.model_copy(update={"chosen": True, "reason": "lowest BIC"})
    if one.candidate.reason:
        return one.candidate
    return one.candidate.model_copy(update={"reason": "higher BIC"})


def _components(parameters: em.Parameters) -> tuple[Component, ...]:
    """The mixture's components as segments, the largest first."""
    order = np.argsort(-parameters.weights, kind="stable")
    return tuple(
        Component.from_moments(
            f"s{position}",
            float(parameters.weights[k]),
            parameters.means[k],
            parameters.covariances[k],
            f"Segment {position}",
        )
        for position, k in enumerate(order, start=1)
    )
