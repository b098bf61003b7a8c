"""Scoring in SQL against a copy of its result and against a round trip through Python: `make bench`.

One run, one machine, the same customers for all. Every measurement is a process of its own, so that its peak memory is
its own too, and the ways take turns, so that whatever else the machine does falls on all of them. A measurement
begins with an open connection and ends with its table checkpointed in the database file; imports, connecting and
dropping the table before it are not counted.

The round trip may take whichever of three ways is the fastest, and does less than the SQL: it writes neither the log
density nor the names of missing features.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from warehouse_seg.model import SegmentModel, from_sklearn
from warehouse_seg.preparation import prepare
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]
Connection = duckdb.DuckDBPyConnection

SEGMENTS = 8
SAMPLE_ROWS = 20_000
CHUNK_ROWS = 1_000_000
ARROW_ROWS = 250_000
"""Rows of one of Arrow's batches: small enough for scikit-learn to work in the processor's cache."""

SMALL_SHARE = 10
"""The scaling is measured against a table with one in so many of the customers."""

MEMORY_LIMIT = "2GB"
TIMES_FASTER = 5.0
TIMES_THE_COPY = 2.2
TIMES_THE_SMALL = 11.0

FEATURES = (
    "recency_days",
    "order_count",
    "average_order_value",
    "net_spend",
    "tenure_days",
    "category_count",
    "category_entropy",
    "age",
)
KEYS = ("customer_id", "as_of_date")
EXTRACT = f"select {', '.join(KEYS + FEATURES)} from features"
# Data frames and NumPy have no dates of their own: they come back as timestamps.
LOAD = "select * replace (cast(as_of_date as date) as as_of_date) from loaded"


# ------------------------------------------------------------------------------------- customers and their model


def customers(rows: int, first_id: int, seed: int) -> dict[str, NDArray[Any]]:
    """Order histories of a shop with eight types of customers, half of whom buy once, and an age that one in fifty
    did not give.
    """
    rng = np.random.default_rng(seed)
    kind = rng.integers(8, size=rows)
    orders = np.where(rng.random(rows) < 0.5, 1, rng.geometric(0.6 / (1 + kind), rows))
    gaps = np.round(rng.gamma(2.0, 5.0 + 8.0 * (kind % 4), rows), 1) + 0.5
    recency = rng.exponential(30.0 + 40.0 * (kind % 3), rows).astype(np.int32) + 1
    average = np.round(rng.lognormal(3.0 + 0.2 * kind, 0.6, rows), 2)
    refunded = np.round(average * rng.exponential(0.5, rows) * (rng.random(rows) < 0.05), 2)
    categories = np.minimum(rng.geometric(0.5, rows), orders)
    return {
        "customer_id": np.arange(first_id, first_id + rows),
        "as_of_date": np.full(rows, np.datetime64("2026-01-01")),
        "recency_days": recency,
        "order_count": orders.astype(np.int32),
        "net_spend": np.round(orders * average - refunded, 2),
        "average_order_value": average,
        "tenure_days": recency + (gaps * (orders - 1)).astype(np.int32),
        "category_count": categories.astype(np.int32),
        "category_entropy": np.log(categories) * rng.beta(8.0, 2.0, rows),
        "age": np.where(rng.random(rows) < 0.98, rng.integers(18, 90, rows), np.nan),
    }


def write_customers(connection: Connection, rows: int) -> None:
    """The table `features`, and `small_features` with the first tenth of its customers."""
    for start in range(0, rows, CHUNK_ROWS):
        columns = customers(min(CHUNK_ROWS, rows - start), first_id=start + 1, seed=start)
        # from_pandas: what was not measured is NULL in a warehouse; NumPy has only NaN for it.
        chunk = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
        connection.register("chunk", pa.table(chunk))
        verb = "insert into features" if start else "create table features as"
        run(connection, f"{verb} select * from chunk")
    run(
        connection,
        f"create table small_features as select * from features where customer_id <= {rows // SMALL_SHARE}",
    )


def fitted_model(connection: Connection) -> SegmentModel:
    """Eight segments with full covariances over these features, each treated as `fit` does by default."""
    sample = connection.execute(f"{EXTRACT} limit {SAMPLE_ROWS}").fetchnumpy()
    prepared = prepare(as_floats(sample), [FeatureChoice(name=name) for name in FEATURES])
    # A floor under the variances: on the exact values of one-time buyers segments collapse to points.
    mixture = GaussianMixture(SEGMENTS, reg_covar=0.05, max_iter=200, random_state=1)
    return from_sklearn(mixture.fit(prepared.z), prepared.features)


def as_mixture(model: SegmentModel) -> GaussianMixture:
    """The same model as scikit-learn's object, without another fit."""
    parts = model.components
    mixture = GaussianMixture(len(parts))
    mixture.weights_ = np.array([part.weight for part in parts])
    mixture.means_ = np.array([part.mean for part in parts])
    mixture.covariances_ = np.array([part.covariance for part in parts])
    mixture.precisions_cholesky_ = np.array([part.precision_cholesky for part in parts])
    return mixture


def as_floats(columns: dict[str, Any]) -> dict[str, Array]:
    """NumPy's columns, masked where NULL, as doubles that are NaN there."""
    return {
        name: np.ma.filled(np.ma.asarray(columns[name]).astype(np.float64), np.nan)
        for name in FEATURES
    }


# ------------------------------------------------------------------------------------------------------ the ways


@dataclass(frozen=True)
class Place:
    """The folder of one run: a database file and the model."""

    folder: Path

    @cached_property
    def model(self) -> SegmentModel:
        return SegmentModel.from_json((self.folder / "model.json").read_text(encoding="utf-8"))

    def connect(self) -> Connection:
        connection = duckdb.connect(self.folder / "customers.duckdb")
        # What does not fit into the limit must not end up in another user's folder.
        run(connection, f"set temp_directory = '{self.folder / 'spilled'}'")
        return connection


def score(connection: Connection, model: SegmentModel) -> None:
    """The statement of `seg_customer_scores`."""
    run(connection, f"create table result as {model.score_sql('features')}")


def score_small(connection: Connection, model: SegmentModel) -> None:
    """The same for a tenth of the customers."""
    run(connection, f"create table result as {model.score_sql('small_features')}")


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
    """Raw columns, each (n,) → the version and one column (n,) of memberships for each segment."""
    memberships = as_mixture(model).predict_proba(model.standardized(columns))
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


@dataclass(frozen=True)
class Measurement:
    """What one way took once, in its own process. The peak includes some 0.2 GB of imported packages."""

    seconds: float
    peak_gigabytes: float


def prepare_place(place: Place, rows: int) -> None:
    """Write the customers, the model, and the scores that are copied and compared with."""
    connection = place.connect()
    write_customers(connection, rows)
    model = fitted_model(connection)
    (place.folder / "model.json").write_text(model.to_json(), encoding="utf-8")
    score(connection, model)
    run(connection, "alter table result rename to scores")
    run(connection, "checkpoint")


def measure(place: Place, way: str) -> Measurement:
    """Time one way, and see that its memberships are those of the SQL."""
    connection = place.connect()
    model = place.model
    run(connection, "drop table if exists result")
    run(connection, "checkpoint")
    start = time.perf_counter()
    WAYS[way](connection, model)
    run(connection, "checkpoint")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    refuse_other_scores(connection, model)
    return Measurement(seconds, peak * unit / 1e9)


def refuse_other_scores(connection: Connection, model: SegmentModel) -> None:
    """Raise where a way did something else than the others: what it took would say nothing."""
    names = [f"membership_{component.segment_key}" for component in model.components]
    differences = ", ".join(f"abs(result.{name} - scores.{name})" for name in names)
    found = connection.execute(
        f"select max(greatest({differences})), count(*) from result inner join scores using (customer_id) "
        "where customer_id <= 10000"
    ).fetchall()
    difference, compared = found[0]
    if not compared or difference > 1e-9:
        raise AssertionError(f"found memberships {difference} apart, in {compared} customers")


def run(connection: Connection, statement: str) -> None:
    """Execute a statement to its end: DuckDB 2 leaves a result that is not fetched unfinished."""
    connection.execute(statement).fetchall()


def in_own_process(place: Place, arguments: Sequence[str]) -> str:
    """What this module prints for these arguments. Even the customers are made apart from the process that asks:
    a child's peak memory starts at its parent's.
    """
    command = [sys.executable, "-m", "tests.benchmarks.scoring", "--folder", str(place.folder)]
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def interleaved(place: Place, repeats: int) -> dict[str, list[Measurement]]:
    """Every way in turn, `repeats` times."""
    found: dict[str, list[Measurement]] = {way: [] for way in WAYS}
    for repeat in range(1, repeats + 1):
        for way in WAYS:
            one = Measurement(**json.loads(in_own_process(place, ["--measure", way])))
            found[way].append(one)
            tell(f"run {repeat} of {repeats}: {way} {one.seconds:.2f} s")
    return found


# ------------------------------------------------------------------------------------------------------ the table


@dataclass(frozen=True)
class Promise:
    """A sentence, the ratio measured and whether that keeps it."""

    sentence: str
    measured: float
    kept: bool


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


def report(
    rows: int, found: dict[str, list[Measurement]], kept: Iterable[Promise]
) -> Iterator[str]:
    """The lines of the two tables, in Markdown, as docs/performance.md shows them."""
    copied = median(one.seconds for one in found["copy"])
    yield (
        f"{rows:,} customers, {len(FEATURES)} features, {SEGMENTS} segments, full covariances. "
        f"DuckDB {duckdb.__version__}, scikit-learn {sklearn.__version__}, NumPy {np.__version__}, "
        f"pandas {pd.__version__}, pyarrow {pa.__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores. Medians of {len(found['copy'])} interleaved runs."
    )
    yield ""
    yield "| way | seconds | fastest to slowest | times the copy | peak memory, GB |"
    yield "|---|---:|---:|---:|---:|"
    for way, measurements in found.items():
        times = sorted(one.seconds for one in measurements)
        peak = max(one.peak_gigabytes for one in measurements)
        yield (
            f"| {way} | {median(times):.2f} | {times[0]:.2f} to {times[-1]:.2f} "
            f"| {median(times) / copied:.2f} | {peak:.1f} |"
        )
    yield ""
    yield "| promise | measured | |"
    yield "|---|---:|---|"
    for promise in kept:
        verdict = "kept" if promise.kept else "BROKEN"
        yield f"| {promise.sentence} | {promise.measured:.2f} | {verdict} |"


def benchmark(rows: int, repeats: int) -> int:
    """Print the tables; 0 when every promise is kept, else 1."""
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as folder:
        place = Place(Path(folder))
        tell(f"writing {rows:,} customers into {folder}")
        in_own_process(place, ["--prepare", str(rows)])
        found = interleaved(place, repeats)
    seconds = {way: median(one.seconds for one in each) for way, each in found.items()}
    kept = promises(seconds)
    print("\n".join(report(rows, found, kept)))
    return 0 if all(promise.kept for promise in kept) else 1


def tell(line: str) -> None:
    """Progress is talk, not a result."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Read the arguments; those of one process of a benchmark are not for people and not shown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="customers (10 million)")
    parser.add_argument("--repeats", type=int, default=5, help="interleaved runs of every way (5)")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare_place(Place(arguments.folder), arguments.prepare)
    elif arguments.measure:
        print(json.dumps(asdict(measure(Place(arguments.folder), arguments.measure))))
    else:
        return benchmark(arguments.rows, arguments.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
