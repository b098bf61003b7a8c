"""A refit: the active model moved to where its customers are today, in the shape and the feature space that it has.

EM starts from the active parameters and goes on from there, so that a segment stays the one that people know. What
a search without that memory would find in the same shape is reported beside it, never adopted: another optimum or shape
is a deliberate act (`warehouse-seg fit --reselect`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from warehouse_seg.errors import Refused
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.features.preparation import Prepared, prepare, prepare_as, warnings_for
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture import em
from warehouse_seg.mixture.candidates import EvaluatedCandidate
from warehouse_seg.mixture.criteria import candidate_of
from warehouse_seg.mixture.fit import assembled, structure_warnings
from warehouse_seg.mixture.initialization import TOLERANCE, Shape
from warehouse_seg.mixture.parameters import Parameters, parameters_of
from warehouse_seg.mixture.search import COLD_START_MARGIN, REGULARIZATION, SearchResult, search
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import ModelWarning
from warehouse_seg.settings import FeatureChoice, ModelSettings

Array = NDArray[np.float64]

MAX_ITERATIONS = 1_000

INHERITED_WARNINGS = ("no_stable_segmentation", "search_failures")


def refit_blocker(
    active: SegmentModel,
    sample: Sample,
    choices: Sequence[FeatureChoice],
    settings: ModelSettings,
) -> str | None:
    """Why the active model cannot be refitted with these settings; None where it can.

    sample: read with the active model's categories
    choices: the features as `fit` chooses them; where nobody named any they depend on what the customers are like, and
        a refit keeps those that it has
    """
    version = f"version {active.model_version}"
    missing = [name for name in active.column_names if name not in sample.columns]
    if missing:
        return f"{version} needs {', '.join(missing)}, which the features lack now"
    if settings.features is None:
        return None
    chosen = _prepared_names(sample, choices, settings)
    if set(chosen) != set(active.feature_names):
        return f"`model.features` makes {', '.join(chosen)}; {version} has {', '.join(active.feature_names)}"
    wanted = {choice.name: choice for choice in choices}
    for feature in active.features:
        choice = wanted[feature.feature]
        if choice.transform not in (None, feature.transform):
            return f"`model.features` takes {choice.name} by {choice.transform}, {version} by {feature.transform}"
        if (_upper_clip(choice) is None) != (feature.clip_high is None):
            return f"`model.features` clips {choice.name} otherwise than {version}"
    return None


def ignored_settings(
    active: SegmentModel,
    sample: Sample,
    choices: Sequence[FeatureChoice] | None,
    settings: ModelSettings,
) -> list[str]:
    """What a search would take up today and a refit does not, each in words.

    choices: the features that it would take; None where it would choose them by what they predict
    """
    names = [
        name
        for name in ([] if choices is None else _prepared_names(sample, choices, settings))
        if name not in active.feature_names
    ]
    count, version = len(active.components), f"version {active.model_version}"
    allowed = settings.segments
    ignored = [f"{', '.join(names)} would be features of a new model"] if names else []
    if not allowed.min <= count <= allowed.max:
        ignored.append(f"`model.segments` is {allowed.min} to {allowed.max}, {version} has {count}")
    if active.covariance_type not in settings.covariance:
        wanted = ", ".join(settings.covariance)
        ignored.append(
            f"`model.covariance` is {wanted}, that of {version} {active.covariance_type}"
        )
    return ignored


def refit_model(
    active: SegmentModel,
    sample: Sample,
    settings: ModelSettings,
    *,
    notes: str = "",
    emit: Emit = silent,
) -> SegmentModel:
    """The active model fitted to these customers from where it stands.

    active: its features with their transforms, clips, fills, centres and scales, its covariance type and its number of
        segments stay as they are
    sample: read with the active model's categories
    Raises UsageError for columns that cannot be used, Refused where a component collapses or becomes too small.
    """
    prepared = prepare_as(sample.columns, active.features, settings.weight)
    for finding in prepared.findings:
        emit(Event.progress(finding))
    statistics = em.statistics_of(prepared)
    shape = Shape(len(active.components), active.covariance_type)
    # One thread, as in a fit: the sums must not depend on the number of cores.
    with threadpool_limits(1):
        warm = _warm_fit(active, statistics)
        cold = _searched(statistics, shape, settings)
        result = SearchResult(warm, _best_first([warm, *(cold.fits if cold else ())]))
        candidate = candidate_of(shape, result, statistics, settings)
        if candidate.status == "refused":
            raise Refused(_refusal(active, candidate.reason))
        report = _cold_report(cold, warm, shape, statistics, settings)
    reason = _reason(active, report)
    emit(Event.progress(f"{shape}: BIC {candidate.bic:z,.0f}"))
    emit(Event.step(reason))
    chosen = candidate.model_copy(update={"status": "chosen", "reason": reason})
    return assembled(
        sample,
        prepared,
        EvaluatedCandidate(chosen, warm),
        (chosen,),
        settings.seed,
        notes,
        recommendation=reason,
        warnings=_warnings(active, prepared, warm.parameters, shape, settings.seed),
    )


def _reason(active: SegmentModel, report: str | None) -> str:
    """Where the model comes from, and what a search without its memory reached, if that was better."""
    origin = f"refit of version {active.model_version}"
    if report is None:
        return origin
    return (
        f"{origin}; {report}; `warehouse-seg fit --reselect` searches anew and adopts a new shape"
    )


def _warnings(
    active: SegmentModel, prepared: Prepared, parameters: Parameters, shape: Shape, seed: int
) -> list[ModelWarning]:
    """What holds of the refit; what a search found about the stability of the shape still does."""
    inherited = [w for w in active.training.warnings if w.kind in INHERITED_WARNINGS]
    return [
        *warnings_for(prepared),
        *inherited,
        *structure_warnings(prepared, parameters, shape, seed),
    ]


def _prepared_names(
    sample: Sample, choices: Sequence[FeatureChoice], settings: ModelSettings
) -> list[str]:
    """The features that a search for all shapes would be made on."""
    prepared = prepare(sample.columns, choices, named=settings.features is not None)
    return [feature.feature for feature in prepared.features]


def _upper_clip(choice: FeatureChoice) -> float | None:
    return choice.clip[1] if choice.clip else None


def _warm_fit(active: SegmentModel, statistics: em.SufficientStatistics) -> em.EMResult:
    """EM from the active parameters. Raises Refused where a covariance becomes singular."""
    try:
        return em.fit_em(
            statistics,
            parameters_of(active),
            active.covariance_type,
            regularization=REGULARIZATION,
            tolerance=TOLERANCE,
            iterations=MAX_ITERATIONS,
        )
    except np.linalg.LinAlgError as error:
        raise Refused(_refusal(active, f"collapsed ({error})")) from error


def _searched(
    statistics: em.SufficientStatistics, shape: Shape, settings: ModelSettings
) -> SearchResult | None:
    try:
        return search(statistics, shape, settings.seed)
    except np.linalg.LinAlgError:
        return None


def _cold_report(
    cold: SearchResult | None,
    warm: em.EMResult,
    shape: Shape,
    statistics: em.SufficientStatistics,
    settings: ModelSettings,
) -> str | None:
    """A sentence where the cold search ended better by the margin, in an optimum that could be chosen."""
    count = statistics.total
    if cold is None or cold.best.objective - warm.objective <= COLD_START_MARGIN * count:
        return None
    if candidate_of(shape, cold, statistics, settings).status == "refused":
        return None
    reached, kept = cold.best.objective / count, warm.objective / count
    return (
        f"a cold search for {shape} reaches {reached:z.3f} nats per customer, the refit {kept:z.3f}"
    )


def _best_first(fits: list[em.EMResult]) -> tuple[em.EMResult, ...]:
    return tuple(sorted(fits, key=lambda fit: -fit.objective))


def _refusal(active: SegmentModel, reason: str) -> str:
    version = f"version {active.model_version}"
    return (
        f"the refit of {version} was refused: {reason}; nothing was stored, {version} stays active. Its "
        f"{len(active.components)} segments do not fit these customers any more: search all shapes anew "
        "(`warehouse-seg fit --reselect`), or allow a smaller `model.min_segment_share`"
    )
