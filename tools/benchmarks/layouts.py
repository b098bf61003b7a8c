"""The layout of the scoring statement, chosen by measurement over features × segments: `make bench-layouts`.

All layouts share the steps before and after; they differ in how a segment's log density is written:

    literals                 as shipped: numbers in the text, one whitened column per segment and feature
    prepared parameters      the same with $names, numbers bound at execution
    table of parameters      the same with the numbers as columns of a one-row table, cross joined
    a step per segment       the same, every segment in a step of its own upon the one before
    expanded                 constants, linear and product terms instead of whitened columns

Each is executed in turn into a table, in one process; its memberships are compared with the shipped ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

import duckdb
import numpy as np

from tools.benchmarks.measuring import Connection, machine, run, tell
from warehouse_seg.model.component import Component
from warehouse_seg.model.exponent_text import exponent_text
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel

MODULE = "tools.benchmarks.layouts"
SHAPES = {(4, 3): 2_000_000, (8, 8): 1_000_000, (12, 12): 400_000, (20, 20): 100_000}
"""Features and segments, with the rows that take some seconds."""

KEYS = "customer_id, as_of_date"
AS_EQUAL = 1e-9


def random_model(size: int, segments: int) -> SegmentModel:
    """Segments far enough apart to be told, with full covariances."""
    rng = np.random.default_rng(size * segments)
    components = []
    for k, weight in enumerate(rng.dirichlet(np.full(segments, 5.0))):
        root = np.eye(size) + 0.3 * rng.normal(size=(size, size)) / np.sqrt(size)
        components.append(
            Component.from_covariance(f"s{k + 1}", weight, rng.normal(size=size), root @ root.T)
        )
    return SegmentModel(
        covariance_type="full",
        features=tuple(Feature(feature=f"measure_{f + 1}") for f in range(size)),
        components=tuple(components),
    )


# ------------------------------------------------------------------------------------------------------ the layouts


@dataclass(frozen=True)
class Layout:
    """A statement, the values bound to it, and the columns of the one-row table that it needs."""

    text: str
    bound: Mapping[str, float] = field(default_factory=dict)
    table: Mapping[str, float] = field(default_factory=dict)


def layouts(model: SegmentModel) -> dict[str, Layout]:
    """Name → layout, the shipped one first."""
    numbers = parameters(model)
    whitened = with_whitened(model, "${name}")
    joined = with_whitened(model, "parameters.{name}", " cross join parameters")
    return {
        "literals": Layout(model.score_sql("features")),
        "prepared parameters": Layout(whitened, bound=numbers),
        "table of parameters": Layout(joined, table=numbers),
        "a step per segment": Layout(stepwise(model)),
        "expanded": Layout(expanded(model)),
    }


def parameters(model: SegmentModel) -> dict[str, float]:
    """Every number of the segments by name: m_k_f, u_k_i_j (upper triangle) and c_k."""
    numbers = {}
    for k, component in enumerate(model.components, 1):
        numbers[f"c_{k}"] = component.log_norm
        for f, mean in enumerate(component.mean, 1):
            numbers[f"m_{k}_{f}"] = mean
            for i in range(1, f + 1):
                numbers[f"u_{k}_{i}_{f}"] = component.precision_cholesky[i - 1][f - 1]
    return numbers


def around(model: SegmentModel, middle: str) -> str:
    """The shipped statement with other steps from `standardized` to `log_joint`."""
    shipped = model.score_sql("features")
    before, after = shipped.index("whitened as ("), shipped.index("with_maximum as (")
    return f"{shipped[:before]}{middle},\n\n{shipped[after:]}"


def whitened_column(k: int, f: int, written: str) -> str:
    """y_k_f with its numbers written as that template says."""
    terms = (
        f"(z_{i} - {written.format(name=f'm_{k}_{i}')}) * {written.format(name=f'u_{k}_{i}_{f}')}"
        for i in range(1, f + 1)
    )
    return " + ".join(terms)


def with_whitened(model: SegmentModel, written: str, joined: str = "") -> str:
    """The shipped steps, numbers written as that template says."""
    size, segments = len(model.features), range(1, len(model.components) + 1)
    columns = [
        f"{whitened_column(k, f, written)} as y_{k}_{f}"
        for k in segments
        for f in range(1, size + 1)
    ]
    joints = [f"{log_joint(k, size, written)} as log_joint_s{k}" for k in segments]
    return around(
        model,
        f"whitened as (select {KEYS}, {', '.join(columns)}, missing_features from standardized{joined}),\n"
        f"log_joint as (select {KEYS}, {', '.join(joints)}, missing_features from whitened{joined})",
    )


def log_joint(k: int, size: int, written: str) -> str:
    squares = " + ".join(f"y_{k}_{f} * y_{k}_{f}" for f in range(1, size + 1))
    return f"{written.format(name=f'c_{k}')} - 5e-1 * ({squares})"


def stepwise(model: SegmentModel) -> str:
    """Two steps for each segment: its whitened columns, its log density; the others' pass through."""
    size = len(model.features)
    z = ", ".join(f"z_{f}" for f in range(1, size + 1))
    numbers = {name: exponent_text(value) for name, value in parameters(model).items()}
    steps, source = [], "standardized"
    for k in range(1, len(model.components) + 1):
        done = "".join(f", log_joint_s{j}" for j in range(1, k))
        whitened = ", ".join(
            f"{with_numbers(whitened_column(k, f, '<{name}>'), numbers)} as y_{k}_{f}"
            for f in range(1, size + 1)
        )
        own = with_numbers(log_joint(k, size, "<{name}>"), numbers)
        steps.append(
            f"whitened_{k} as (select {KEYS}, {z}{done}, {whitened}, missing_features from {source})"
        )
        source = "log_joint" if k == len(model.components) else f"joint_{k}"
        steps.append(
            f"{source} as (select {KEYS}, {z}{done}, {own} as log_joint_s{k}, missing_features from whitened_{k})"
        )
    return around(model, ",\n".join(steps))


def with_numbers(text: str, numbers: Mapping[str, str]) -> str:
    """Every <name> as its number."""
    parts = text.split("<")
    rest = (part.split(">", 1) for part in parts[1:])
    return parts[0] + "".join(f"({numbers[name]}){after}" for name, after in rest)


def expanded(model: SegmentModel) -> str:
    """l_k = a + sum_f b_f z_f + sum_f,g c_fg z_f z_g, the products made once for all segments."""
    size = len(model.features)
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    products = ", ".join(f"z_{i + 1} * z_{j + 1} as zz_{i + 1}_{j + 1}" for i, j in pairs)
    z = ", ".join(f"z_{f}" for f in range(1, size + 1))
    joints = ", ".join(
        f"{expanded_joint(component, pairs)} as log_joint_s{k}"
        for k, component in enumerate(model.components, 1)
    )
    return around(
        model,
        f"multiplied as (select {KEYS}, {z}, {products}, missing_features from standardized),\n"
        f"log_joint as (select {KEYS}, {joints}, missing_features from multiplied)",
    )


def expanded_joint(component: Component, pairs: list[tuple[int, int]]) -> str:
    factor, mean = np.array(component.precision_cholesky), np.array(component.mean)
    precision = factor @ factor.T
    linear = precision @ mean
    terms = [exponent_text(component.log_norm - 0.5 * float(mean @ linear))]
    terms += [f"({exponent_text(b)}) * z_{f}" for f, b in enumerate(linear, 1)]
    terms += [
        f"({exponent_text(precision[i, j] * (-0.5 if i == j else -1.0))}) * zz_{i + 1}_{j + 1}"
        for i, j in pairs
    ]
    return " + ".join(terms)


# --------------------------------------------------------------------------------------------------- measurements


@dataclass(frozen=True)
class Measurements:
    """What one layout took: seconds and processor seconds of every run, processor seconds to plan, and how far its
    memberships are from the shipped.
    """

    characters: int
    planning: float
    runs: list[tuple[float, float]]
    apart: float


def write_features(connection: Connection, size: int, rows: int) -> None:
    rng = np.random.default_rng(rows)
    columns = {f"measure_{f + 1}": rng.normal(scale=1.5, size=rows) for f in range(size)}
    connection.register("drawn", {"customer_id": np.arange(rows), **columns})
    run(
        connection,
        "create or replace table features as select *, date '2026-01-01' as as_of_date from drawn",
    )


def write_parameters(connection: Connection, numbers: Mapping[str, float]) -> None:
    columns = ", ".join(f"{exponent_text(value)} as {name}" for name, value in numbers.items())
    run(connection, f"create or replace table parameters as select {columns}")


def executed(connection: Connection, prefix: str, layout: Layout) -> tuple[float, float]:
    """Seconds of one statement, and those of the processor."""
    start, processor = time.perf_counter(), time.process_time()
    connection.execute(prefix + layout.text, dict(layout.bound) or None).fetchall()
    return time.perf_counter() - start, time.process_time() - processor


def difference(connection: Connection, model: SegmentModel, name: str) -> float:
    names = [f"membership_{component.segment_key}" for component in model.components]
    apart = ", ".join(f"abs(result.{column} - shipped.{column})" for column in names)
    ((results,),) = connection.execute(
        f"select max(greatest({apart})) from {name} as result inner join shipped using (customer_id)"
    ).fetchall()
    return float(results)


def measured(size: int, segments: int, rows: int, repetitions: int) -> dict[str, Measurements]:
    """Every layout in turn, `repetitions` times. Raises AssertionError where one gives other memberships."""
    model = random_model(size, segments)
    ways = layouts(model)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    planning, apart = {}, {}
    with duckdb.connect() as connection:
        write_features(connection, size, rows)
        write_parameters(connection, parameters(model))
        run(connection, f"create table shipped as {ways['literals'].text}")
        for repeat in range(repetitions):
            for name, layout in ways.items():
                runs[name].append(
                    executed(connection, "create or replace table result as ", layout)
                )
                tell(f"{size} × {segments}: {name} {runs[name][-1][0]:.2f} s")
                if not repeat:
                    _, planning[name] = executed(connection, "explain ", layout)
                    apart[name] = difference(connection, model, "result")
    for name, results in apart.items():
        if not results < AS_EQUAL:
            raise AssertionError(f"{name}: found memberships {results} apart")
    return {
        name: Measurements(len(ways[name].text), planning[name], runs[name], apart[name])
        for name in ways
    }


def report(
    size: int, segments: int, rows: int, results: Mapping[str, Measurements]
) -> Iterator[str]:
    """The lines of one shape's table, in Markdown."""
    shipped = median(work for _, work in results["literals"].runs)
    yield f"**{size} features × {segments} segments**, {rows:,} rows:"
    yield ""
    yield "| layout | seconds | processor seconds | times the literals | planning | characters | memberships apart |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, entry in results.items():
        seconds, work = (median(each) for each in zip(*entry.runs, strict=True))
        yield (
            f"| {name} | {seconds:.2f} | {work:.2f} | {work / shipped:.2f} | {entry.planning:.2f} "
            f"| {entry.characters:,} | {entry.apart:.0e} |"
        )
    yield ""


def main() -> int:
    """Print a table for every shape."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument(
        "--repetitions", type=int, default=3, help="interleaved runs of every layout (3)"
    )
    parser.add_argument("--rows", type=float, default=1.0, help="times the usual rows (1)")
    arguments = parser.parse_args()
    print(f"{machine('duckdb')}. Medians of {arguments.repetitions} interleaved runs.\n")
    for (size, segments), usual in SHAPES.items():
        rows = max(int(usual * arguments.rows), 100)
        results = measured(size, segments, rows, arguments.repetitions)
        print("\n".join(report(size, segments, rows, results)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
