"""Fits a mixture to every customer in the warehouse, of whom only sums leave it.

One generated pass over the features (`macros/scoring/population.sql`) returns, per segment, the expected count, sums
and cross-products under the current parameters: some K (1 + D + D (D + 1) / 2) numbers, however many customers there
are. From these the package's own M-step (`mixture/em.py`) makes the next parameters. Customers that lack the same
features are summed together, and their sums completed by the conditional mean and covariance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.mixture import em
from warehouse_seg.mixture.completion import PatternSums, completed, feature_count
from warehouse_seg.mixture.parameters import Parameters, natural_parameters, parameters_of
from warehouse_seg.model.component import Component
from warehouse_seg.model.exponent_text import exponent_texts
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.values import as_matrix
from warehouse_seg.sql.rendering import render, render_statement
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse

Array = NDArray[np.float64]

TOLERANCE = 1e-6
"""Nats per customer and pass at which a fit to all customers has arrived; a tenth of the sample's."""
MAX_ITERATIONS = 100


@dataclass(frozen=True)
class Population:
    """All customers of a relation, in the feature space of a model.

    model: its features say how customers are standardised and rounded; its components only how many there are
    features: the wide features, as a select; patterns: the sets of missing features that occur in them, by names
    weight: the column that says how many customers a row stands for, or None
    """

    warehouse: Warehouse
    model: SegmentModel
    features: str
    patterns: Sequence[Sequence[str]] = ()
    weight: str | None = None

    def em_step(self, parameters: Parameters) -> tuple[Array, float]:
        """The completed sums (K, P) of all customers under these parameters, and the objective."""
        sums, objective = [], 0.0
        for missing in ([], *self.patterns):
            measured = np.array([name not in missing for name in self.model.feature_names])
            coefficients = natural_parameters(parameters, measured)
            query = sums_sql(
                self.model,
                coefficients,
                missing,
                self.features,
                self.weight,
                self.warehouse.dialect,
            )
            (row,) = self.warehouse.rows(query)
            # Nobody may be known in everything.
            if row["objective"] is not None:
                objective += row["objective"]
                sums.append(PatternSums(measured, sums_of_row(row, *coefficients.shape)))
        return completed(sums, parameters), objective

    def log_density(self, model: SegmentModel) -> float:
        """Mean log density per customer under a model with the same features: nats, plain, whatever was rounded."""
        query = render_statement(
            "population_log_density",
            model=model.to_macro(self.patterns),
            features=self.features,
            weight=self.weight,
            dialect=self.warehouse.dialect,
        )
        (row,) = self.warehouse.rows(query)
        return float(row["log_density"])

    @property
    def numbers(self) -> int:
        """How many a pass receives at most: per segment a count, sums and cross-products, and the objective."""
        size = len(self.model.features)
        products = size if is_diagonal(self.model) else size * (size + 1) // 2
        return len(self.model.components) * (1 + size + products) + 1

    @cached_property
    def customers(self) -> float:
        """How many there are, by weight."""
        query = questions.population(self.features, self.warehouse.dialect, self.weight)
        (row,) = self.warehouse.rows(query)
        return float(row["customers"] or 0)


@dataclass(frozen=True)
class PopulationFit:
    """A model fitted to all customers; objective: a mean, in nats per customer."""

    model: SegmentModel
    objective: float
    iterations: int
    converged: bool


def fit_to_population(
    population: Population,
    *,
    tolerance: float = TOLERANCE,
    iterations: int = MAX_ITERATIONS,
    emit: Emit = silent,
) -> PopulationFit:
    """EM over all customers from the population's model until an iteration gains less than `tolerance` nats a customer.

    The objective never falls: log likelihood where values are exact, else that of values known up to their rounding.
    Raises numpy.linalg.LinAlgError where a covariance stops being positive definite.
    """
    done = 0

    def counted_step(parameters: Parameters) -> tuple[Array, float]:
        nonlocal done
        sums, objective = population.em_step(parameters)
        emit(
            Event.progress(
                f"iteration {done}: {objective / population.customers:.6f} nats per customer"
            )
        )
        done += 1
        return sums, objective

    result = em.run_em(
        counted_step,
        parameters_of(population.model),
        population.model.covariance_type,
        gain=tolerance * population.customers,
        iterations=iterations,
    )
    return PopulationFit(
        with_parameters(population.model, result.parameters),
        result.objective / population.customers,
        result.iterations,
        result.converged,
    )


def with_parameters(model: SegmentModel, parameters: Parameters) -> SegmentModel:
    """The model with other weights, means and covariances under the same keys and names."""
    components = tuple(
        Component.from_covariance(
            component.segment_key,
            float(parameters.weights[k]),
            parameters.means[k],
            parameters.covariances[k],
            component.segment_name,
        )
        for k, component in enumerate(model.components)
    )
    return model.model_copy(update={"components": components})


def sums_sql(
    model: SegmentModel,
    coefficients: Array,
    missing: Sequence[str],
    features: str,
    weight: str | None,
    dialect: str,
) -> str:
    """The query of the sums of the customers who lack these features and no others.

    coefficients (K, P): of the moments in the log joint density (`natural_parameters`)
    features: a select; its result is one row: n_k, z_k_f, zz_k_f_g by segment and features, from 1, and objective
    """
    return render(
        "seg_population_sums",
        [feature.to_macro() for feature in model.features],
        list(missing),
        f"({features}) as features",
        exponent_texts(as_matrix(coefficients + 0.0)),
        [feature.rounding_to_macro() for feature in model.features],
        weight,
        is_diagonal(model),
        dialect,
    )


def is_diagonal(model: SegmentModel) -> bool:
    """Whether the squares of features are enough, without products of two."""
    return model.covariance_type in ("diag", "spherical")


def sums_of_row(row: Mapping[str, Any], components: int, statistics: int) -> Array:
    """A row of `sums_sql` as sums (K, P) in the order of `em.SufficientStatistics`, zero where nothing was measured."""
    size = feature_count(statistics)
    names = ["n_{k}", *(f"z_{{k}}_{f + 1}" for f in range(size))]
    names += [f"zz_{{k}}_{i + 1}_{j + 1}" for i, j in zip(*np.triu_indices(size), strict=True)]
    return np.array(
        [[row.get(name.format(k=k + 1)) or 0.0 for name in names] for k in range(components)],
        dtype=float,
    )
