"""Twenty-four monthly dates of history beside one date's build, at TPC-H's scale factors: `make bench-backfill`.

Order lines, features and model are those of `make bench-tpch`. *One date* is every statement that a `dbt build` runs
from order lines to segments, each into its table. *24 dates* is what `warehouse-seg backfill` does for memberships,
and dbt in `seg_segment_history`; the movements between the dates are measured apart.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

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
from tools.benchmarks.tpch import (
    ASSIGNED,
    FEATURES,
    MEMORY_LIMIT,
    RFM,
    SCORES,
    SPEND,
    STAGED,
    TIERS,
    LinesPlace,
    build,
    counted,
    largest_categories,
    prepare_place,
)
from warehouse_seg.model.feature import Category
from warehouse_seg.monitoring.date_scoring import DateScoring
from warehouse_seg.monitoring.grid import date_before, grid
from warehouse_seg.monitoring.history_table import Basis, HistoryTable
from warehouse_seg.monitoring.past_features import OrderLines
from warehouse_seg.settings import Period
from warehouse_seg.sql.rendering import render

MODULE = "tools.benchmarks.backfill"
SCALE_FACTORS = (1.0, 10.0)
DATES = grid(date(1996, 9, 1), date(1998, 8, 1), Period.MONTH)
MEMBERSHIPS, SEGMENTS = "seg_membership_history", "seg_segment_history"
TRANSITIONS, MOVEMENTS = "seg_segment_transitions", "seg_customer_movements"
TIMES_ONE_BUILD = 6.0


def by_build(place: LinesPlace) -> Measurement:
    """From order lines to segments, as of the day after the last one."""
    connection = place.connection(MEMORY_LIMIT)
    render("seg_money", "amount", "duckdb")

    def every_table() -> None:
        for table in (SPEND, RFM, FEATURES, SCORES, ASSIGNED):
            build(connection, table, place)

    return timed(every_table)


def by_backfill(place: LinesPlace) -> Measurement:
    """All dates into an empty history."""
    with place.warehouse(MEMORY_LIMIT) as warehouse:
        keys = [segment.segment_key for segment in place.model.components]
        rows = render(
            "seg_membership_rows",
            place.model.to_macro()["components"],
            SCORES,
            keys,
            None,
            "2000-01-01 00:00:00",
            "known",
            "duckdb",
        )
        warehouse.execute(
            f"create or replace table {MEMBERSHIPS} as select * from ({rows}) limit 0"
        )
        warehouse.execute("checkpoint")
        categories = [Category(**each) for each in largest_categories(place.connection())]
        model = place.model.model_copy(update={"categories": tuple(categories)})
        scoring = DateScoring(
            HistoryTable(warehouse, MEMBERSHIPS), OrderLines(STAGED, True, Period.MONTH), 32
        )

        def every_date() -> None:
            scoring.score(model, DATES, Basis.KNOWN, lambda _: None)
            warehouse.execute("checkpoint")

        return timed(every_date)


def by_statement(
    table: str, query: Callable[[LinesPlace], str]
) -> Callable[[LinesPlace], Measurement]:
    """The way that makes one table of the history's memberships."""

    def way(place: LinesPlace) -> Measurement:
        connection = place.connection(MEMORY_LIMIT)
        text = query(place)

        def made() -> None:
            run(connection, f"create or replace table {table} as {text}")
            run(connection, "checkpoint")

        return timed(made)

    return way


def assigned(place: LinesPlace) -> str:
    dates = [str(day) for day in DATES]
    return render(
        "seg_history_assignment", place.model.to_macro(), MEMBERSHIPS, dates, TIERS, "duckdb"
    )


def flows(place: LinesPlace) -> str:
    names = {part.segment_key: part.segment_name for part in place.model.components}
    return " union all ".join(
        f"select * from ({render('seg_flow_rows', step, MEMBERSHIPS, names, 'duckdb')})"
        for step in steps(place)
    )


def movements(place: LinesPlace) -> str:
    return " union all ".join(
        f"select * from ({render('seg_movement_rows', step, MEMBERSHIPS, 'duckdb')})"
        for step in steps(place)
    )


def steps(place: LinesPlace) -> Iterator[dict[str, object]]:
    """The steps between neighbouring dates."""
    model = place.model.to_macro()
    for day in DATES[1:]:
        before = str(date_before(day, Period.MONTH))
        sides = {
            side: {"date": on, "basis": "known", "model": model}
            for side, on in (("before", before), ("after", str(day)))
        }
        yield {"date": str(day), "previous_date": before, "cause": "customers", **sides}


BUILD, BACKFILL = "one date: order lines to segments", f"{len(DATES)} dates: memberships"
ASSIGNMENT = f"{len(DATES)} dates: segments"
WAYS: dict[str, Callable[[LinesPlace], Measurement]] = {
    BUILD: by_build,
    BACKFILL: by_backfill,
    ASSIGNMENT: by_statement(SEGMENTS, assigned),
    "transitions": by_statement(TRANSITIONS, flows),
    "movements": by_statement(MOVEMENTS, movements),
}


def promises(seconds: dict[str, float]) -> list[Promise]:
    """What is promised of the medians."""
    ratio = (seconds[BACKFILL] + seconds[ASSIGNMENT]) / seconds[BUILD]
    sentence = f"{len(DATES)} dates in at most {TIMES_ONE_BUILD:g} times one date's build"
    return [Promise(sentence, ratio, ratio <= TIMES_ONE_BUILD)]


def report(
    scale_factor: float, counts: tuple[int, int], results: Measurements, kept: Sequence[Promise]
) -> Iterator[str]:
    """The lines of one scale factor's two tables, in Markdown."""
    lines, customers = counts
    yield (
        f"Scale factor {scale_factor:g}: {lines:,} order lines, {customers:,} customers, {DATES[0]} to {DATES[-1]}. "
        f"DuckDB limited to {MEMORY_LIMIT}. {machine('duckdb')}. "
        f"Medians of {max(map(len, results.values()))} interleaved runs."
    )
    yield ""
    yield "| way | seconds | times one date | fastest to slowest | processor seconds | peak memory, GB |"
    yield "|---|---:|---:|---:|---:|---:|"
    seconds = medians(results)
    for way, each in results.items():
        times = seconds[way] / seconds[BUILD]
        yield (
            f"| {way} | {seconds[way]:.2f} | {times:.2f} | {spread(each)} | {processor(each)} | {peak(each)} |"
        )
    yield ""
    yield from promise_lines(kept)


def benchmark(scale_factor: float, repetitions: int) -> bool:
    """Print one scale factor's tables; whether every promise is kept."""
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as folder:
        place = LinesPlace(Path(folder))
        tell(f"scale factor {scale_factor:g}: generating and loading in {folder}")
        in_own_process(MODULE, place.folder, "--prepare", str(scale_factor))
        results = interleaved(MODULE, place.folder, WAYS, repetitions)
        counts = counted(place)
    kept = promises(medians(results))
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
