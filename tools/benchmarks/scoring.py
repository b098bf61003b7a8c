"""Scoring in SQL against a copy of its result and against a round trip through Python: `make bench`.

One run, one machine, the same customers for all. Every measurement is a process of its own, so that its peak memory is
its own too, and the ways take turns, so that whatever else the machine does falls on all of them. A measurement
begins with an open connection and ends with its table checkpointed in the database file; imports, connecting and
dropping the table before it are not counted.

The round trip may take whichever of three ways is the fastest, and does less than the SQL: it writes neither the log
density nor the names of missing features.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tools.benchmarks.customers import FEATURES, KEYS, write_customers
from tools.benchmarks.fitted import as_mixture, fitted_model, without
from tools.benchmarks.measuring import (
    Connection,
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
from warehouse_seg.model.segment_model import SegmentModel

Array = NDArray[np.float64]

MODULE = "tools.benchmarks.scoring"
SEGMENTS = 8
UNKNOWN_AGES = 0.02
PATTERNS = [["age"]]
"""What is missing: the one set of features that some customers lack."""

ARROW_ROWS = 250_000
"""Rows of one of Arrow's batches: small enough for scikit-learn to work in the processor's cache."""

SMALL_SHARE = 10
"""The scaling is measured against a table with one in so many of the customers."""

MEMORY_LIMIT = "2GB"
TIMES_FASTER = 5.0
TIMES_THE_COPY = 2.2
TIMES_THE_SMALL = 11.0

EXTRACT = f"select {', '.join(KEYS + FEATURES)} from features"
# Data frames and NumPy have no dates of their own: they come back as timestamps.
LOAD = "select * replace (cast(as_of_date as date) as as_of_date) from loaded"


def as_floats(columns: dict[str, Any]) -> dict[str, Array]:
    """NumPy's columns, masked where NULL, as doubles that are NaN there."""
    return {
        name: np.ma.filled(np.ma.asarray(columns[name]).astype(np.float64), np.nan)
        for name in FEATURES
    }


# ------------------------------------------------------------------------------------------------------ the ways


def score(connection: Connection, model: SegmentModel) -> None:
    """The statement of `seg_customer_scores`."""
    run(connection, f"create table result as {model.score_sql('features', patterns=PATTERNS)}")


def score_small(connection: Connection, model: SegmentModel) -> None:
    """The same for a tenth of the customers."""
    run(
        connection, f"create table result as {model.score_sql('small_features', patterns=PATTERNS)}"
    )


def score_limited(connection: Connection, model: SegmentModel) -> None:
    """The same within little memory."""
    run(connection, f"set memory_limit = '{MEMORY_LIMIT}'")
    score(connection, model)


def copy(connection: Connection, model: SegmentModel) -> None:
    """The least that any way can cost: the rows and columns that the SQL writes, read and written."""
    run(connection, "create table result as select * from scores")


def through_pandas(connection: Connection, model: SegmentModel) -> None:
    """Extract, score and load with data frames."""
    extracted = connection.execute(EXTRACT).df()
    columns = {name: extracted[name].to_numpy(np.float64) for name in FEATURES}
    connection.register("loaded", extracted[list(KEYS)].assign(**scored(model, columns)))
    run(connection, f"create table result as {LOAD}")


def through_numpy(connection: Connection, model: SegmentModel) -> None:
    """Extract, score and load with NumPy's arrays."""
    extracted = connection.execute(EXTRACT).fetchnumpy()
    keys = {name: extracted[name] for name in KEYS}
    connection.register("loaded", {**keys, **scored(model, as_floats(extracted))})
    run(connection, f"create table result as {LOAD}")


def through_arrow(connection: Connection, model: SegmentModel) -> None:
    """Extract, score and load with Arrow, one batch after the other."""
    writer = connection.cursor()
    verb = "create table result as"
    for batch in connection.sql(EXTRACT).to_arrow_reader(ARROW_ROWS):
        keys = {name: batch.column(name) for name in KEYS}
        columns = {
            name: batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
            for name in FEATURES
        }
        writer.register("loaded", pa.table({**keys, **scored(model, columns)}))
        run(writer, f"{verb} {LOAD}")
        verb = "insert into result"


def scored(model: SegmentModel, columns: dict[str, Array]) -> dict[str, NDArray[Any]]:
    """Raw columns, each (n,) → the version and one column (n,) of memberships for each segment.

    Customers without an age by the mixture of the other features, as the SQL does.
    """
    z = model.standardized(columns)
    place = model.feature_names.index("age")
    lacking = np.flatnonzero(np.isnan(z[:, place]))
    rest = np.delete(z[lacking], place, axis=1)
    z[lacking] = 0.0
    memberships = as_mixture(model).predict_proba(z)
    if len(lacking):
        memberships[lacking] = as_mixture(without(model, "age")).predict_proba(rest)
    names = [f"membership_{component.segment_key}" for component in model.components]
    version = np.full(len(memberships), model.model_version, dtype=np.int32)
    return {"model_version": version, **dict(zip(names, memberships.T, strict=True))}


WAYS: dict[str, Callable[[Connection, SegmentModel], None]] = {
    "SQL": score,
    "copy": copy,
    "SQL, a tenth": score_small,
    f"SQL, {MEMORY_LIMIT}": score_limited,
    "pandas": through_pandas,
    "NumPy": through_numpy,
    "Arrow": through_arrow,
}
ROUND_TRIPS = ("pandas", "NumPy", "Arrow")


# --------------------------------------------------------------------------------------------------- measurements


def prepare_place(place: Place, rows: int) -> None:
    """Write the customers, the model, and the scores that are copied and compared with."""
    connection = place.connection()
    write_customers(connection, "features", rows, UNKNOWN_AGES)
    tenth = f"select * from features where customer_id <= {rows // SMALL_SHARE}"
    run(connection, f"create table small_features as {tenth}")
    model = fitted_model(connection, "features", FEATURES, SEGMENTS)
    place.store(model)
    score(connection, model)
    run(connection, "alter table result rename to scores")
    run(connection, "checkpoint")


def measure(place: Place, way: str) -> Measurement:
    """Time one way, and see that its memberships are those of the SQL."""
    connection = place.connection()
    model = place.model
    run(connection, "drop table if exists result")
    run(connection, "checkpoint")

    def work() -> None:
        WAYS[way](connection, model)
        run(connection, "checkpoint")

    results = timed(work)
    refuse_other_scores(connection, model)
    return results


def refuse_other_scores(connection: Connection, model: SegmentModel) -> None:
    """Raise where a way did something else than the others: what it took would say nothing."""
    names = [f"membership_{component.segment_key}" for component in model.components]
    differences = ", ".join(f"abs(result.{name} - scores.{name})" for name in names)
    results = connection.execute(
        f"select max(greatest({differences})), count(*) from result inner join scores using (customer_id) "
        "where customer_id <= 10000"
    ).fetchall()
    difference, compared = results[0]
    if not compared or difference > 1e-9:
        raise AssertionError(f"found memberships {difference} apart, in {compared} customers")


# ------------------------------------------------------------------------------------------------------ the table


def promises(seconds: dict[str, float]) -> list[Promise]:
    """What is promised of the medians at 10 million customers."""
    fastest = min(ROUND_TRIPS, key=lambda way: seconds[way])
    faster = seconds[fastest] / seconds["SQL"]
    times_copy = seconds["SQL"] / seconds["copy"]
    times_small = seconds["SQL"] / seconds["SQL, a tenth"]
    limited = seconds[f"SQL, {MEMORY_LIMIT}"] / seconds["SQL"]
    return [
        Promise(
            f"at least {TIMES_FASTER:g} times faster than the round trip through {fastest}",
            faster,
            faster >= TIMES_FASTER,
        ),
        Promise(
            f"at most {TIMES_THE_COPY:g} times the copy",
            times_copy,
            times_copy <= TIMES_THE_COPY,
        ),
        Promise(
            f"{SMALL_SHARE} times the customers in at most {TIMES_THE_SMALL:g} times the time",
            times_small,
            times_small <= TIMES_THE_SMALL,
        ),
        # A way that does not complete has ended the benchmark before.
        Promise(
            f"completes with DuckDB limited to {MEMORY_LIMIT} (here: times the time without limit)",
            limited,
            kept=True,
        ),
    ]


def report(rows: int, results: Measurements, kept: Iterable[Promise]) -> Iterator[str]:
    """The lines of the two tables, in Markdown, as docs/proof/performance.md shows them."""
    copied = median(entry.seconds for entry in results["copy"])
    yield (
        f"{rows:,} customers, {len(FEATURES)} features, {SEGMENTS} segments, full covariances. "
        f"{machine('duckdb', 'scikit-learn', 'numpy', 'pandas', 'pyarrow')}. "
        f"Medians of {len(results['copy'])} interleaved runs."
    )
    yield ""
    yield "| way | seconds | fastest to slowest | processor seconds | times the copy | peak memory, GB |"
    yield "|---|---:|---:|---:|---:|---:|"
    for way, seconds in medians(results).items():
        yield (
            f"| {way} | {seconds:.2f} | {spread(results[way])} | {processor(results[way])} "
            f"| {seconds / copied:.2f} | {peak(results[way])} |"
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
    kept = promises(medians(results))
    print("\n".join(report(rows, results, kept)))
    return 0 if all(promise.kept for promise in kept) else 1


def main() -> int:
    """0 when every promise is kept, else 1."""
    parser = arguments_of(MODULE, __doc__, WAYS, repetitions=5)
    parser.add_argument("--rows", type=int, default=10_000_000, help="customers (10 million)")
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare_place(Place(arguments.folder), arguments.prepare)
    elif arguments.measure:
        print_measurement(measure(Place(arguments.folder), arguments.measure))
    else:
        return benchmark(arguments.rows, arguments.repetitions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
