"""The sample that a fit reads: the same customers whatever the thread count, the row order or the engine."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.sql.rendering import render_statement


def sample_sql(
    relation: str, columns: Sequence[str], size: int, seed: int, dialect: str = "duckdb"
) -> str:
    """The query of at most `size` customers of `relation`, in md5 order.

    relation: a select, as text
    columns: numeric columns to read, each as a 64-bit float
    Result columns: sample_key (the md5), customer_id (as text), then `columns`.
    """
    return render_statement(
        "sample",
        relation=relation,
        columns=list(columns),
        size=int(size),
        seed=int(seed),
        dialect=dialect,
    )
