"""From order lines to segments at TPC-H's scale factors: `make bench-tpch`.

Order lines are lineitem ⋈ orders ⋈ part as `tpchgen-cli` writes them: the numbers of customer and order, the day, the
discounted price, and the part's manufacturer as category. They are loaded into a DuckDB file and written into a
Parquet file first, which is not counted. Then every statement that a `dbt build` runs, each into its table and
checkpointed, in DuckDB limited to 4 GB; and the same features by Polars and by pandas, from the Parquet file into one,
pandas with scikit-learn's memberships as well. The data frames' features are compared with ours.

The data frames do less: no spend by category and no plain RFM table is kept, no tier is given, money is a double.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from tools.benchmarks.fitted import as_mixture, fitted_model
from tools.benchmarks.frames import CATEGORIES, pandas_features, polars_features
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
    within_memory,
)
from tools.benchmarks.places import Place
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.mixture.population_em import Population
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import connect

MODULE = "tools.benchmarks.tpch"
SCALE_FACTORS = (1.0, 10.0)
SEGMENTS = 8
MEMORY_LIMIT = "4GB"
FRAME_GIGABYTES = 20.0
"""What pandas may take of the machine's memory before it counts as out of memory."""

TIMES_FASTER_THAN_PANDAS = 5.0
TIMES_POLARS = 1.2
TOLERANCE = 1e-9
TIERS = {"dominant": 0.8, "hybrid": 0.3}

LINES, STAGED = "order_lines", "stg_seg__transactions"
RFM, SPEND = "seg_customer_rfm", "seg_customer_category_spend"
CHECKS = "seg_order_line_checks"
FEATURES, SCORES, ASSIGNED = "seg_customer_features", "seg_customer_scores", "seg_customer_segments"

MODEL_FEATURES = (
    "recency_days",
    "order_count",
    "average_order_value",
    "tenure_days",
    "category_entropy",
    "spend_manufacturer_1",
    "spend_manufacturer_2",
    "spend_manufacturer_3",
)

ORDER_LINES = """
select
    orders.o_custkey as customer_id,
    orders.o_orderkey as order_id,
    orders.o_orderdate as ordered_at,
    cast(lineitem.l_extendedprice * (1 - lineitem.l_discount) as decimal(18, 4)) as amount,
    part.p_mfgr as category
from '{folder}/lineitem.parquet' as lineitem
inner join '{folder}/orders.parquet' as orders on lineitem.l_orderkey = orders.o_orderkey
inner join '{folder}/part.parquet' as part on lineitem.l_partkey = part.p_partkey
"""

COLUMNS = {name: name for name in ("customer_id", "order_id", "ordered_at", "amount", "category")}
AMOUNT = "decimal(18, 4)"


@dataclass(frozen=True)
class LinesPlace(Place):
    """Beside the model and the shop: the order lines for the data frames, and their results."""

    @property
    def lines(self) -> Path:
        return self.folder / "order_lines.parquet"

    def result(self, library: str) -> Path:
        return self.folder / f"{library}.parquet"


# ------------------------------------------------------------------------------------------------------ order lines


def prepare_place(place: LinesPlace, scale_factor: float) -> None:
    """Generate and load the order lines, and make every table once: the model needs the features."""
    generate(place.folder, scale_factor)
    connection = place.connection(MEMORY_LIMIT)
    run(connection, "set preserve_insertion_order = false")
    run(connection, f"create table {LINES} as {ORDER_LINES.format(folder=place.folder)}")
    staging = render("seg_order_lines", LINES, COLUMNS, AMOUNT, 4, "UTC", "duckdb")
    run(connection, f"create view {STAGED} as {staging}")
    run(
        connection,
        f"copy (select * replace (cast(amount as double) as amount) from {LINES}) to '{place.lines}'",
    )
    for table in ("lineitem", "orders", "part"):
        (place.folder / f"{table}.parquet").unlink()
    for table in (SPEND, RFM, FEATURES):
        build(connection, table, place)
    model = fitted_model(connection, FEATURES, MODEL_FEATURES, SEGMENTS)
    place.store(model)
    for table in (SCORES, ASSIGNED):
        build(connection, table, place)


def generate(folder: Path, scale_factor: float) -> None:
    """The three tables of TPC-H as Parquet files. Raises FileNotFoundError where the generator is not installed."""
    program = Path(sys.executable).parent / "tpchgen-cli"
    if not program.exists():
        raise FileNotFoundError(f"found no {program}: `pip install -e '.[bench]'`, or `make bench`")
    size = ("--scale-factor", f"{scale_factor:g}")
    place = ("--output-dir", str(folder), "--tables=lineitem,orders,part", "--quiet")
    subprocess.run([str(program), "parquet", *size, *place], check=True)


# -------------------------------------------------------------------------------------------------------- the ways


def build(connection: Connection, table: str, place: LinesPlace) -> None:
    """One dbt model: the statement that the package renders for it, into its table."""
    query = statement(connection, table, place)
    run(connection, f"create or replace table {table} as {query}")
    run(connection, "checkpoint")


def statement(connection: Connection, table: str, place: LinesPlace) -> str:
    """The select of one dbt model. For the wide features that takes a query for the largest categories."""
    if table == CHECKS:
        types = {"ordered_at": "date", "amount": AMOUNT}
        settings = (types, 4, "error", "UTC", None, "duckdb")
        return render("seg_order_line_findings", LINES, COLUMNS, *settings)
    if table == RFM:
        return render("seg_customer_history", STAGED, None, SPEND, "duckdb")
    if table == SPEND:
        return render("seg_history_by_category", STAGED, None, "duckdb")
    if table == FEATURES:
        return render("seg_wide_features", RFM, SPEND, largest_categories(connection), "duckdb")
    if table == SCORES:
        return place.model.score_sql(FEATURES)
    return render("seg_customer_assignment", place.model.to_macro(), SCORES, TIERS, "duckdb")


def largest_categories(connection: Connection) -> list[dict[str, str]]:
    query = render("seg_largest_categories", SPEND, CATEGORIES, "duckdb")
    values = [row[0] for row in connection.execute(query).fetchall()]
    columns: list[dict[str, str]] = json.loads(render("seg_category_columns", values))
    return columns


def by_sql(table: str) -> Callable[[LinesPlace], Measurement]:
    """The way that makes one table."""

    def way(place: LinesPlace) -> Measurement:
        connection = place.connection(MEMORY_LIMIT)
        # The first call compiles every macro; an import is not counted either.
        render("seg_money", "amount", "duckdb")
        return timed(lambda: build(connection, table, place))

    return way


def by_population_e_step(place: LinesPlace) -> Measurement:
    """Expectation over all customers: one row of sums comes back."""
    with place.warehouse(MEMORY_LIMIT) as warehouse:
        population = Population(warehouse, place.model, f"select * from {FEATURES}")
        render("seg_money", "amount", "duckdb")
        return timed(lambda: population.em_step(parameters_of(place.model)))


def by_polars(place: LinesPlace) -> Measurement:
    import polars as pl

    # The first query starts Polars' threads; an import is not counted either.
    pl.LazyFrame({"a": [1]}).collect(engine="streaming")
    results = timed(lambda: polars_features(place.lines, place.result("polars")))
    refuse_other_features(place, "polars")
    return results


def by_pandas(place: LinesPlace) -> Measurement:
    results = within_memory(
        FRAME_GIGABYTES,
        lambda: timed(lambda: pandas_features(place.lines, place.result("pandas"))),
    )
    refuse_other_features(place, "pandas")
    return results


def scored_by_pandas(place: LinesPlace) -> Measurement:
    return within_memory(FRAME_GIGABYTES, lambda: timed(lambda: pandas_scores(place)))


def pandas_scores(place: LinesPlace) -> None:
    """pandas' own features → scikit-learn's memberships, in a file."""
    import pandas as pd

    features = pd.read_parquet(place.result("pandas"))
    columns = {name: features[name].to_numpy(np.float64) for name in place.model.column_names}
    memberships = as_mixture(place.model).predict_proba(place.model.standardized(columns))
    names = [f"membership_{part.segment_key}" for part in place.model.components]
    scores = features[["customer_id", "as_of_date"]].assign(
        **dict(zip(names, memberships.T, strict=True))
    )
    scores.to_parquet(place.result("pandas_scores"))


def refuse_other_features(place: LinesPlace, library: str) -> None:
    """Raise where a library's features are not ours: what it took would say nothing."""
    connection = place.connection(MEMORY_LIMIT)
    columns = [row[0] for row in connection.execute(f"describe {FEATURES}").fetchall()]
    numbers = [name for name in columns if name not in ("customer_id", "as_of_date")]
    apart = ", ".join(
        f"case when (ours.{name} is null) <> (theirs.{name} is null) then 1e0 "
        f"else coalesce(abs(ours.{name} - theirs.{name}) / greatest(abs(ours.{name}), 1e0), 0e0) end"
        for name in numbers
    )
    ((rows, compared, difference),) = connection.execute(
        f"select (select count(*) from {FEATURES}), count(*), max(greatest({apart})) from {FEATURES} as ours "
        f"inner join '{place.result(library)}' as theirs "
        "on ours.customer_id = theirs.customer_id and ours.as_of_date = cast(theirs.as_of_date as date)"
    ).fetchall()
    if rows != compared or difference > TOLERANCE:
        raise AssertionError(
            f"{library}: found {compared:,} of {rows:,} customers, features up to {difference} apart"
        )


STATEMENTS = (CHECKS, SPEND, RFM, FEATURES, SCORES, ASSIGNED)
WAYS: dict[str, Callable[[LinesPlace], Measurement]] = {
    **{table: by_sql(table) for table in STATEMENTS},
    "population E-step": by_population_e_step,
    "Polars: features": by_polars,
    "pandas: features": by_pandas,
    "pandas, scikit-learn: scores": scored_by_pandas,
}
SUMS = {
    "SQL: features": (SPEND, RFM, FEATURES),
    "SQL: features and scores": STATEMENTS,
    "pandas: features and scores": ("pandas: features", "pandas, scikit-learn: scores"),
}


# ------------------------------------------------------------------------------------------------------- the table


def with_sums(seconds: dict[str, float]) -> dict[str, float]:
    """Medians of the ways, and of what is made of several."""
    return seconds | {name: sum(seconds[way] for way in ways) for name, ways in SUMS.items()}


def promises(seconds: dict[str, float]) -> list[Promise]:
    """What is promised of the medians."""
    faster = seconds["pandas: features and scores"] / seconds["SQL: features and scores"]
    times_polars = seconds["SQL: features"] / seconds["Polars: features"]
    sentence = f"features and scores at least {TIMES_FASTER_THAN_PANDAS:g} times faster than pandas"
    if faster == float("inf"):
        sentence += f", which ran out of {FRAME_GIGABYTES:g} GB"
    return [
        Promise(sentence, faster, faster >= TIMES_FASTER_THAN_PANDAS),
        Promise(
            f"features in at most {TIMES_POLARS:g} times Polars' time",
            times_polars,
            times_polars <= TIMES_POLARS,
        ),
        # A statement that does not complete has ended the benchmark before.
        Promise(
            f"every statement completes within {MEMORY_LIMIT} (here: seconds)",
            seconds["SQL: features and scores"],
            kept=True,
        ),
    ]


def report(
    scale_factor: float, counts: tuple[int, int], results: Measurements, kept: Sequence[Promise]
) -> Iterator[str]:
    """The lines of one scale factor's two tables, in Markdown."""
    lines, customers = counts
    yield (
        f"Scale factor {scale_factor:g}: {lines:,} order lines, {customers:,} customers who ordered, "
        f"{len(MODEL_FEATURES)} features, {SEGMENTS} segments. DuckDB limited to {MEMORY_LIMIT}. "
        f"{machine('duckdb', 'polars', 'pandas', 'scikit-learn')}. "
        f"Medians of {max(map(len, results.values()))} interleaved runs."
    )
    yield ""
    yield "| way | seconds | fastest to slowest | processor seconds | peak memory, GB | million lines per second |"
    yield "|---|---:|---:|---:|---:|---:|"
    seconds = with_sums(medians(results))
    for way, each in results.items():
        shown, rate = cells(seconds[way], lines)
        yield f"| {way} | {shown} | {spread(each)} | {processor(each)} | {peak(each)} | {rate} |"
    for name, ways in SUMS.items():
        shown, rate = cells(seconds[name], lines)
        together = [entry for way in ways for entry in results[way]]
        work = sum(
            median(entry.processor_seconds for entry in results[way])
            for way in ways
            if results[way]
        )
        yield f"| **{name}** | {shown} | | {work:.1f} | {peak(together)} | {rate} |"
    yield ""
    yield from promise_lines(kept)


def cells(seconds: float, lines: int) -> tuple[str, str]:
    """Seconds and order lines per second; dashes where there are none."""
    if seconds == float("inf"):
        return "–", "–"
    return f"{seconds:.2f}", f"{lines / seconds / 1e6:.2f}"


def counted(place: LinesPlace) -> tuple[int, int]:
    """Order lines and customers."""
    with connect(place.database, read_only=True) as warehouse:
        (row,) = warehouse.rows(
            f"select (select count(*) from {LINES}) as lines, (select count(*) from {RFM}) as customers"
        )
    return int(row["lines"]), int(row["customers"])


def benchmark(scale_factor: float, repetitions: int) -> bool:
    """Print one scale factor's tables; whether every promise is kept."""
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as folder:
        place = LinesPlace(Path(folder))
        tell(f"scale factor {scale_factor:g}: generating and loading in {folder}")
        in_own_process(MODULE, place.folder, "--prepare", str(scale_factor))
        results = interleaved(MODULE, place.folder, WAYS, repetitions)
        counts = counted(place)
    kept = promises(with_sums(medians(results)))
    print("\n".join(report(scale_factor, counts, results, kept)), end="\n\n", flush=True)
    return all(promise.kept for promise in kept)


def main() -> int:
    """0 when every promise is kept, else 1."""
    parser = arguments_of(MODULE, __doc__, WAYS, repetitions=3, size=float)
    parser.add_argument(
        "--scale-factor", type=float, nargs="+", default=SCALE_FACTORS, help="of TPC-H (1 and 10)"
    )
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare_place(LinesPlace(arguments.folder), arguments.prepare)
    elif arguments.measure:
        print_measurement(WAYS[arguments.measure](LinesPlace(arguments.folder)))
    else:
        kept = [benchmark(factor, arguments.repetitions) for factor in arguments.scale_factor]
        return 0 if all(kept) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
