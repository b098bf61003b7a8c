"""The sample that a fit reads: the same customers whatever the thread count, the row order or the engine.

Customers are ordered by the md5 of their key and the seed, and the first ones are taken. `hash()` differs between
DuckDB versions and `random()` between threads; md5 does neither. The query is an Ibis expression compiled to the
engine's SQL; nothing here holds a connection.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

IBIS_DIALECTS = {"spark": "databricks", "redshift": "postgres"}
"""Ibis compiles these engines' SQL only through a relative (Spark's compiler needs a running session)."""


@ibis.udf.scalar.builtin(name="md5")  # type: ignore[untyped-decorator]
def md5_text(text: str) -> str:  # type: ignore[empty-body]
    """md5 in hexadecimal, as most engines have it."""


@ibis.udf.scalar.builtin(name="md5")  # type: ignore[untyped-decorator]
def md5_bytes(text: bytes) -> bytes:  # type: ignore[empty-body]
    """md5 as sixteen bytes: BigQuery, and Trino, which takes bytes only."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def to_utf8(text: str) -> bytes:  # type: ignore[empty-body]
    """Trino's bytes of a text."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def to_hex(digest: bytes) -> str:  # type: ignore[empty-body]
    """Hexadecimal, in lower case on BigQuery and in upper case on Trino."""


def sample_sql(
    relation: str, columns: Sequence[str], size: int, seed: int, dialect: str = "duckdb"
) -> str:
    """The query of at most `size` customers of `relation`, in md5 order.

    relation: a select, as text
    columns: numeric columns to read, each as a 64-bit float
    Result columns: sample_key (the md5), customer_id (as text), then `columns`.
    """
    return _over(relation, _sample(columns, size, seed, dialect), dialect)


def count_sql(relation: str, dialect: str = "duckdb") -> str:
    """The query of the number of customers (`population_rows`) and their date (`as_of_date`) in `relation`."""
    features = _features(())
    counted = features.aggregate(
        population_rows=features.count(), as_of_date=features.as_of_date.max()
    )
    return _over(relation, counted, dialect)


def _features(columns: Sequence[str]) -> ir.Table:
    # Whatever the key's type is, a number here makes Ibis write the cast to text.
    schema = {"customer_id": "int64", "as_of_date": "date", **dict.fromkeys(columns, "decimal")}
    return ibis.table(schema, name="features")


def _sample(columns: Sequence[str], size: int, seed: int, dialect: str) -> ir.Table:
    features = _features(columns)
    key = features.customer_id.cast("string")
    return (
        features.select(
            sample_key=_md5(key + f"|{seed}", dialect),
            customer_id=key,
            **{name: features[name].cast("float64") for name in columns},
        )
        .order_by(["sample_key", "customer_id"])
        .limit(size)
    )


def _md5(text: ir.StringValue, dialect: str) -> ir.StringValue:
    """32 hexadecimal digits in lower case on every engine."""
    if dialect == "trino":
        return to_hex(md5_bytes(to_utf8(text))).lower()
    if dialect == "bigquery":
        return to_hex(md5_bytes(text.cast("binary")))
    return md5_text(text)


def _over(relation: str, expression: ir.Table, dialect: str) -> str:
    compiled = ibis.to_sql(expression, dialect=IBIS_DIALECTS.get(dialect, dialect))
    return f"with features as (\n{relation}\n)\n{compiled}"
