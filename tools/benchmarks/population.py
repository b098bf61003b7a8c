"""One EM iteration over all customers, in the warehouse and by scikit-learn: `make bench-population`.

scikit-learn's iteration is its own E-step and M-step on standardised features that lie in memory already. Ours
reads the raw columns from a DuckDB file, in DuckDB limited to 2 GB, standardises them, and hands Python one row of
sums, from which the package's M-step makes the next parameters. Both start from the same model, take values as exact
and add scikit-learn's 1e-6 to the diagonals; their parameters are compared. Then twenty EM iterations over the
same customers as `fit` makes it, values known up to their rounding and nothing added, whose objective must never fall.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.benchmarks.customers import FEATURES, write_customers
from tools.benchmarks.fitted import as_mixture, fitted_model
from tools.benchmarks.measuring import (
    Measurement,
    Measurements,
    Promise,
    arguments_of,
    in_own_process,
    interleaved,
    machine,
    medians,
    peak,
    print_measurement,
    processor,
    promise_lines,
    run,
    spread,
    tell,
    timed,
)
from tools.benchmarks.places import Place
from warehouse_seg.mixture import em
from warehouse_seg.mixture.parameters import Parameters, parameters_of
from warehouse_seg.mixture.population_em import Population
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.sql.rendering import render

Array = NDArray[np.float64]

MODULE = "tools.benchmarks.population"
SEGMENTS = 8
MEMORY_LIMIT = "2GB"
REGULARIZATION = 1e-6
"""scikit-learn's default."""

TIMES_FASTER = 5.0
MAX_ITERATIONS = 20
ROUNDING = 1e-12
"""The part of an objective that the order of a sum of ten million doubles decides."""


@dataclass(frozen=True)
class CustomersPlace(Place):
    """Beside the model and the customers: the same customers standardised as an array, and the parameters reached."""

    @property
    def standardized(self) -> Path:
        return self.folder / "z.npy"

    @property
    def reached(self) -> Path:
        return self.folder / "reached.npz"


def prepare_place(place: CustomersPlace, rows: int) -> None:
    """Write the customers, of whom every age is known, the model, and their standardised features."""
    connection = place.connection()
    write_customers(connection, "features", rows, unknown_ages=0.0)
    model = fitted_model(connection, "features", FEATURES, SEGMENTS)
    place.store(model)
    columns = connection.execute(f"select {', '.join(model.column_names)} from features")
    raw = {name: np.asarray(values, dtype=float) for name, values in columns.fetchnumpy().items()}
    np.save(place.standardized, model.standardized(raw))
    run(connection, "checkpoint")


def exact(model: SegmentModel) -> SegmentModel:
    """The model with every value taken as it stands, as scikit-learn does."""
    features = tuple(
        f.model_copy(update={"resolution": 0.0, "point_masses": ()}) for f in model.features
    )
    return model.model_copy(update={"features": features})


# -------------------------------------------------------------------------------------------------------- the ways


def in_the_warehouse(place: CustomersPlace) -> Measurement:
    """One EM iteration: the sums of all customers, and the next parameters."""
    model = exact(place.model)
    reached: list[Parameters] = []
    with place.warehouse(MEMORY_LIMIT) as warehouse:
        population = Population(warehouse, model, "select * from features")
        # The first call compiles every macro; an import is not counted either.
        render("seg_money", "amount", "duckdb")

        def iteration() -> None:
            sums, _ = population.em_step(parameters_of(model))
            reached.append(em.maximization(sums, model.covariance_type, REGULARIZATION))

        results = timed(iteration)
    (last,) = reached
    np.savez(place.reached, weights=last.weights, means=last.means, covariances=last.covariances)
    return results


def by_scikit_learn(place: CustomersPlace) -> Measurement:
    """One E-step and one M-step."""
    z = np.load(place.standardized)
    mixture = as_mixture(place.model)

    def iteration() -> None:
        _, log_memberships = mixture._e_step(z)
        mixture._m_step(z, log_memberships)

    results = timed(iteration)
    refuse_other_parameters(
        place, Parameters(mixture.weights_, mixture.means_, mixture.covariances_)
    )
    return results


def refuse_other_parameters(place: CustomersPlace, theirs: Parameters) -> None:
    """Raise where the two iterations ended elsewhere: what they took would say nothing."""
    with np.load(place.reached) as ours:
        for name in ("weights", "means", "covariances"):
            difference = float(np.abs(ours[name] - getattr(theirs, name)).max())
            if not difference < 1e-9:
                raise AssertionError(f"found {name} {difference} apart after one iteration")


WAYS: dict[str, Callable[[CustomersPlace], Measurement]] = {
    "population iteration": in_the_warehouse,
    "scikit-learn's iteration": by_scikit_learn,
}


# ------------------------------------------------------------------------------------------------------ the EM run


@dataclass(frozen=True)
class EMRun:
    """Objectives in nats per customer, one per iteration, and the values that the warehouse returned for one."""

    objectives: list[float]
    seconds: float
    peak_gigabytes: float
    values: int


def run_em(place: CustomersPlace) -> EMRun:
    """Twenty iterations from the model that the sample gave."""
    objectives: list[float] = []
    with place.warehouse(MEMORY_LIMIT) as warehouse:
        population = Population(warehouse, place.model, "select * from features")
        customers = population.customers

        def printed(parameters: Parameters) -> tuple[Array, float]:
            sums, objective = population.em_step(parameters)
            objectives.append(objective / customers)
            tell(
                f"iteration {len(objectives)} of {MAX_ITERATIONS}: {objectives[-1]:.9f} nats per customer"
            )
            return sums, objective

        start = parameters_of(place.model)
        results = timed(
            lambda: em.run_em(
                printed, start, place.model.covariance_type, gain=0.0, iterations=MAX_ITERATIONS - 1
            )
        )
    return EMRun(objectives, results.seconds, results.peak_gigabytes, population.numbers)


def smallest_gain(objectives: Sequence[float]) -> float:
    """Over all iterations, in nats per customer; negative where the objective fell."""
    return float(np.diff(objectives).min())


# ------------------------------------------------------------------------------------------------------- the table


def promises(seconds: dict[str, float], results: Measurements, em_run: EMRun) -> list[Promise]:
    """What is promised at 10 million customers."""
    faster = seconds["scikit-learn's iteration"] / seconds["population iteration"]
    gain = smallest_gain(em_run.objectives)
    most = max(entry.peak_gigabytes for entry in results["population iteration"])
    return [
        Promise(
            f"one iteration at least {TIMES_FASTER:g} times faster than scikit-learn's iteration",
            faster,
            faster >= TIMES_FASTER,
        ),
        # An iteration that does not complete has ended the benchmark before.
        Promise(
            f"completes with DuckDB limited to {MEMORY_LIMIT} (here: GB of the whole process)",
            most,
            kept=True,
        ),
        Promise(
            f"the objective never falls over {MAX_ITERATIONS} iterations (smallest gain in 1e-6 nats per customer)",
            1e6 * gain,
            gain >= -ROUNDING * abs(em_run.objectives[-1]),
        ),
    ]


def report(
    rows: int, results: Measurements, em_run: EMRun, kept: Sequence[Promise]
) -> Iterator[str]:
    """The lines of the two tables, in Markdown, as docs/proof/performance.md shows them."""
    yield (
        f"{rows:,} customers, {len(FEATURES)} features, {SEGMENTS} segments, full covariances. DuckDB limited to "
        f"{MEMORY_LIMIT}. {machine('duckdb', 'scikit-learn', 'numpy')}. "
        f"Medians of {len(results['population iteration'])} interleaved runs."
    )
    yield ""
    yield "| way | seconds | fastest to slowest | processor seconds | peak memory, GB | million customers per second |"
    yield "|---|---:|---:|---:|---:|---:|"
    for way, seconds in medians(results).items():
        each = results[way]
        yield (
            f"| {way} | {seconds:.2f} | {spread(each)} | {processor(each)} | {peak(each)} "
            f"| {rows / seconds / 1e6:.2f} |"
        )
    yield ""
    yield (
        f"{MAX_ITERATIONS} iterations as `fit` makes them: {em_run.seconds:.0f} s, {em_run.peak_gigabytes:.1f} GB, "
        f"{em_run.objectives[0]:.6f} to {em_run.objectives[-1]:.6f} nats per customer. "
        f"Python received {em_run.values:,} numbers an iteration."
    )
    yield ""
    yield from promise_lines(kept)


def benchmark(rows: int, repetitions: int) -> int:
    """Print the tables; 0 when every promise is kept, else 1."""
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as name:
        folder = Path(name)
        tell(f"writing {rows:,} customers into {folder}")
        in_own_process(MODULE, folder, "--prepare", str(rows))
        results = interleaved(MODULE, folder, WAYS, repetitions)
        em_run = EMRun(**json.loads(in_own_process(MODULE, folder, "--run-em")))
    kept = promises(medians(results), results, em_run)
    print("\n".join(report(rows, results, em_run, kept)))
    return 0 if all(promise.kept for promise in kept) else 1


def main() -> int:
    """0 when every promise is kept, else 1."""
    parser = arguments_of(MODULE, __doc__, WAYS, repetitions=3)
    parser.add_argument("--rows", type=int, default=10_000_000, help="customers (10 million)")
    parser.add_argument("--run-em", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare_place(CustomersPlace(arguments.folder), arguments.prepare)
    elif arguments.measure:
        print_measurement(WAYS[arguments.measure](CustomersPlace(arguments.folder)))
    elif arguments.run_em:
        print(json.dumps(vars(run_em(CustomersPlace(arguments.folder)))))
    else:
        return benchmark(arguments.rows, arguments.repetitions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
