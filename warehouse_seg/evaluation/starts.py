"""Whether other random starts lead to the same segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.mixture.search import best_nondegenerate_fit
from warehouse_seg.mixture.stability import top_components

SEARCHES = 3


@dataclass(frozen=True)
class StartStability:
    """The model beside searches for its shape from other random starts.

    nondegenerate: how many of the searches ended in an optimum that has not collapsed; the figures are of those, None
        without any
    agreement: mean adjusted Rand index of the top segments; each row counts once
    gain: nats per customer, weighted where the model is, by which the best search ended better
    """

    searches: int
    nondegenerate: int
    agreement: float | None
    gain: float | None


def start_stability(
    statistics: em.SufficientStatistics, parameters: Parameters, shape: Shape, seed: int
) -> StartStability:
    """Search the shape anew from other random starts."""
    original = top_components(statistics, parameters)
    _, objective = em.expectation(statistics, parameters)
    searches = (
        best_nondegenerate_fit(statistics, shape, seed + 1 + number) for number in range(SEARCHES)
    )
    fits = [fit for fit in searches if fit is not None]
    if not fits:
        return StartStability(SEARCHES, 0, None, None)
    labels = [top_components(statistics, fit.parameters) for fit in fits]
    return StartStability(
        searches=SEARCHES,
        nondegenerate=len(fits),
        agreement=float(np.mean([adjusted_rand_score(original, other) for other in labels])),
        gain=(max(fit.objective for fit in fits) - objective) / statistics.total,
    )
