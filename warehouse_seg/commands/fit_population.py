"""What a fit asks of all customers: how well the sample speaks for them, and a fit to them where that is wanted."""

from __future__ import annotations

import numpy as np

from warehouse_seg.errors import Refused, UsageError
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.features.preparation import Sample
from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import degenerate
from warehouse_seg.mixture.fit import described
from warehouse_seg.mixture.population_em import Population, refine
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.progress import Progress
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import features_query
from warehouse_seg.scoring.limits import too_wide
from warehouse_seg.settings import ModelSettings
from warehouse_seg.warehouse.connection import Warehouse


def population_of(warehouse: Warehouse, session: Session, model: SegmentModel) -> Population:
    """All customers of the project in the model's feature space.

    Raises UsageError where they lack more sets of features than `model.missing_patterns` allows.
    """
    settings = session.settings.model
    query = features_query(warehouse, session, model.categories)
    patterns = missing_patterns(warehouse, model, query, settings.missing_patterns)
    return Population(warehouse, model, query, patterns, settings.weight)


def with_population_density(
    everybody: Population,
    settings: ModelSettings,
    sample: Sample,
    *,
    refit: bool,
    progress: Progress,
) -> SegmentModel:
    """The population's model with the log density of all customers beside the sample's, in one pass.

    refit: go on from the sample's model to the best one of all customers first
    Raises Refused where all customers lead to a degenerate model.
    """
    model = everybody.model
    if refit:
        model = _refined(everybody, sample, settings, progress)
    told = everybody.log_density(model)
    training = model.training.model_copy(update={"population_log_density": told})
    progress(
        f"log density: {training.sample_log_density:.4f} nats per customer in the sample, {told:.4f} of all "
        f"{sample.population_rows:,} (gap {told - (training.sample_log_density or 0):+.4f})"
    )
    return model.model_copy(update={"training": training})


def _refined(
    everybody: Population, sample: Sample, settings: ModelSettings, progress: Progress
) -> SegmentModel:
    """EM over all customers, from the sample's model.

    Raises UsageError where its sums are more than one select may hold, Refused where it ends in a degenerate model.
    """
    if wide := too_wide(everybody.numbers, everybody.warehouse.dialect):
        raise UsageError(
            f"a pass over all customers is one select, and {wide}; nothing was stored. Fit without --population, "
            "or with fewer segments or features, or with diagonal covariances (`model.segments`, `model.features`, "
            "`model.covariance`)"
        )
    progress(f"fitting to all {sample.population_rows:,} customers, in the warehouse")
    try:
        refined = refine(everybody, progress=progress)
        reason = degenerate(em.parameters_of(refined.model), settings)
    except np.linalg.LinAlgError as error:
        reason = f"refused: collapsed ({error})"
    if reason:
        raise Refused(
            f"the fit to all customers was {reason}; nothing was stored. Fit without --population, or allow fewer "
            "segments (`model.segments.max`) or a smaller `model.min_segment_share`"
        )
    if not refined.converged:
        progress(f"warning: after {refined.iterations} passes the objective still rises")
    model = described(refined.model, sample, sample.weights(settings.weight))
    training = model.training.model_copy(update={"population_iterations": refined.iterations})
    return model.model_copy(update={"training": training})
