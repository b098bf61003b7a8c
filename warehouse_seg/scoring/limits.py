"""How long a scoring statement is, and which documented limits of an engine it passes.

Each number stands with where it is documented. Most engines count the text, some also what one select may hold: the
widest step of a scoring statement has one column per segment and feature, and its longest sum one term per segment
or feature, each of which a parser that descends into `a + b + c` takes as one level deeper.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_seg.model.segment_model import KEYS, SegmentModel

MEGABYTE = 1_000_000
"""Documents that say MB may mean 1,048,576 bytes: the smaller one warns early instead of late."""

MEBIBYTE = 1_048_576

WRAPPING_BYTES = 2_000
"""dbt puts the select into a `create table … as`, with comments of its own before it."""

LEVELS_BESIDE_THE_SUM = 6
"""What the longest sum stands in. Measured on DuckDB 2.0.1: 994 segments run, 995 pass a depth of 1,000."""


@dataclass(frozen=True)
class Size:
    """What engines limit in one statement. columns: of its widest select; levels: of its deepest expression."""

    characters: int
    bytes: int
    columns: int
    levels: int
    segments: int
    features: int

    def __str__(self) -> str:
        return (
            f"{self.characters:,} characters ({self.bytes:,} bytes), "
            f"{self.segments} segments × {self.features} features"
        )


@dataclass(frozen=True)
class Limit:
    """The most of one `measure` (an attribute of Size) that an engine takes, and what becomes of more."""

    measure: str
    most: int
    consequence: str


LIMITS: dict[str, tuple[Limit, ...]] = {
    "duckdb": (
        # https://duckdb.org/docs/configuration/overview: max_expression_depth. The text itself has no limit.
        Limit(
            "levels", 1_000, "refuses deeper expressions (`set max_expression_depth` allows more)"
        ),
    ),
    "postgres": (
        # A query is one palloc'ed string: MaxAllocSize in src/include/utils/memutils.h is 1 GB less a byte.
        Limit("bytes", 1_073_741_823, "refuses longer statements"),
        # https://www.postgresql.org/docs/current/limits.html: columns in a result set.
        Limit("columns", 1_664, "refuses wider selects"),
    ),
    # Open source Spark documents no limit on a statement's text. (A long one costs it compiled code instead: past
    # 64 kB of bytecode in one method it interprets the expression, more slowly.)
    "spark": (),
    "databricks": (
        # https://docs.databricks.com/api/workspace/statementexecution: maximum query text size.
        Limit("bytes", 16 * MEBIBYTE, "refuses longer statements sent to its statement API"),
    ),
    "snowflake": (
        # https://docs.snowflake.com/en/user-guide/query-size-limits: runs longer ones, but cuts the text it keeps.
        Limit(
            "bytes", MEGABYTE, "advises against longer statements and cannot rerun or retry them"
        ),
    ),
    "bigquery": (
        # https://cloud.google.com/bigquery/quotas#query_jobs: maximum unresolved GoogleSQL query length, 1 MB.
        Limit("bytes", MEGABYTE, "refuses longer statements (`The query is too large.`)"),
    ),
    "redshift": (
        # https://docs.aws.amazon.com/redshift/latest/dg/c_redshift-sql.html: maximum size of a statement, 16 MB.
        Limit("bytes", 16 * MEGABYTE, "refuses longer statements"),
        # Postgres' own limit on a target list (MaxTupleAttributeNumber), which Redshift took over with its parser.
        Limit("columns", 1_664, "refuses wider selects"),
    ),
    "trino": (
        # https://trino.io/docs/current/admin/properties-query-management.html: default of query.max-length.
        Limit(
            "characters", 1_000_000, "refuses longer statements (`query.max-length` allows more)"
        ),
    ),
}


def size_of(text: str, model: SegmentModel) -> Size:
    """The size of a statement that scores with this model."""
    segments, features = len(model.components), len(model.features)
    return Size(
        characters=len(text),
        bytes=len(text.encode()),
        # The step `whitened`: keys, one column per segment and feature, the names of missing features.
        columns=len(KEYS) + segments * features + 1,
        levels=max(segments, features) + LEVELS_BESIDE_THE_SUM,
        segments=segments,
        features=features,
    )


def passed_limits(size: Size, dialect: str) -> list[str]:
    """A sentence for each limit of the dialect that a statement of this size passes, inside what dbt wraps it in."""
    return [
        f"{_passed(dialect, limit, measured)}. "
        "Fewer segments, or fewer features, make it shorter (`model.segments`, `model.features`)"
        for limit in LIMITS[dialect]
        if (measured := _measured(size, limit.measure)) > limit.most
    ]


def too_wide(columns: int, dialect: str) -> str | None:
    """A sentence where a select of so many columns is more than the dialect takes, else None."""
    for limit in LIMITS[dialect]:
        if limit.measure == "columns" and columns > limit.most:
            return _passed(dialect, limit, columns)
    return None


def _passed(dialect: str, limit: Limit, measured: int) -> str:
    return f"{dialect} {limit.consequence}: found {measured:,} {limit.measure}, documented are {limit.most:,}"


def _measured(size: Size, measure: str) -> int:
    """The size in this measure, a text as long as it is when dbt has wrapped it."""
    wrapping = WRAPPING_BYTES if measure in ("bytes", "characters") else 0
    measured: int = getattr(size, measure)
    return measured + wrapping
