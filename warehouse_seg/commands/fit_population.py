"""What a fit asks of all customers: how well the sample speaks for them, and a fit to them where that is wanted."""

from __future__ import annotations

import numpy as np

from warehouse_seg.errors import Refused, UsageError
from warehouse_seg.events import Emit, Event
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.criteria import degeneracy
from warehouse_seg.mixture.fit import described
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.mixture.population_em import Population, fit_to_population
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import ModelWarning
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
    patterns = missing_patterns(warehouse, model.features, query, settings.missing_patterns)
    return Population(warehouse, model, query, patterns, settings.weight)


def refit_to_population(
    population: Population, settings: ModelSettings, sample: Sample, emit: Emit
) -> SegmentModel:
    """EM over all customers, from the population's model, which the sample gave.

    Raises UsageError where its sums are more than one select may hold, Refused where it ends in a degenerate model.
    """
    if wide := too_wide(population.numbers, population.warehouse.dialect):
        raise UsageError(
            f"a pass over all customers is one select, and {wide}; nothing was stored. Fit without --population, "
            "or with fewer segments or features, or with diagonal covariances (`model.segments`, `model.features`, "
            "`model.covariance`)"
        )
    emit(Event.step(f"fitting to all {sample.population_rows:,} customers, in the warehouse"))
    try:
        result = fit_to_population(population, emit=emit)
        reason = degeneracy(parameters_of(result.model), settings)
    except np.linalg.LinAlgError as error:
        reason = f"collapsed ({error})"
    if reason is not None:
        raise Refused(
            f"the fit to all customers was refused: {reason}; nothing was stored. Fit without --population, or allow "
            "fewer segments (`model.segments.max`) or a smaller `model.min_segment_share`"
        )
    model = described(result.model, sample, sample.weights(settings.weight))
    training = model.training.model_copy(update={"population_iterations": result.iterations})
    model = model.model_copy(update={"training": training})
    if result.converged:
        return model
    text = (
        f"the fit to all customers stopped after {result.iterations} iterations, while the objective still rose: "
        "fit again to go on from there"
    )
    return model.with_warnings([ModelWarning(kind="not_converged", text=text)])


def with_population_density(
    population: Population, model: SegmentModel, sample: Sample, emit: Emit
) -> SegmentModel:
    """The model with the mean log density of all customers beside the sample's, in one pass over them.

    model: in the population's feature space
    """
    log_density = population.log_density(model)
    training = model.training.model_copy(update={"population_log_density": log_density})
    gap = log_density - (training.sample_log_density or 0)
    emit(
        Event.progress(
            f"log density: {training.sample_log_density:z.4f} nats per customer in the sample, "
            f"{log_density:z.4f} of all {sample.population_rows:,} (gap {gap:+z.4f})"
        )
    )
    return model.model_copy(update={"training": training})
