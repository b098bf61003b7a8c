"""Whether a model describes customers that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import held_out_log_likelihood
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters


@dataclass(frozen=True)
class Likelihood:
    """Log density per customer in nats, weighted where the model is; higher is better.

    training: of the customers that were read
    held_out: of every fifth customer, under the model refitted without them; None where that refit is singular
    single_gaussian: of the same held-out customers, under one Gaussian for all customers
    """

    training: float
    held_out: float | None
    single_gaussian: float | None


def likelihood(
    statistics: em.SufficientStatistics, parameters: Parameters, shape: Shape
) -> Likelihood:
    """How well the model describes the customers that were read, and customers that it was not fitted on."""
    _, objective = em.expectation(statistics, parameters)
    single = em.from_responsibilities(statistics, np.ones((1, len(statistics))), "full")
    return Likelihood(
        training=objective / statistics.total,
        held_out=held_out_log_likelihood(statistics, parameters, shape),
        single_gaussian=held_out_log_likelihood(statistics, single, Shape(1, "full")),
    )
