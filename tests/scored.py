"""Scores customers by a model's SQL on DuckDB: what every test of exactness does first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What the SQL says of n customers: memberships (n, K), log densities (n,), names of what was not measured."""

    customers: list[Any]
    memberships: Array
    log_density: Array
    missing_features: list[str]


def score(
    database: duckdb.DuckDBPyConnection, model: SegmentModel, columns: Mapping[str, Any]
) -> Scores:
    """The scores of these customers, in their order.

    columns: feature → raw values (n,)
    """
    frame = pd.DataFrame(dict(columns))
    frame.insert(0, "customer_id", range(len(frame)))
    frame.insert(1, "as_of_date", pd.Timestamp("2026-07-01"))
    database.register("customers", frame)
    return score_relation(database, model, "customers")


def score_relation(
    database: duckdb.DuckDBPyConnection, model: SegmentModel, relation: str
) -> Scores:
    """The scores of every row of a relation (SQL text), by customer_id; a NULL among them fails."""
    names = [f"membership_{segment.segment_key}" for segment in model.components]
    wanted = ", ".join(["customer_id", *names, "log_density", "missing_features"])
    patterns = missing_patterns(
        Warehouse(DuckDB(database)), model.features, f"select * from {relation}", 256
    )
    query = f"select {wanted} from ({model.score_sql(relation, patterns=patterns)}) order by customer_id"
    rows = database.execute(query).fetchall()
    assert not any(value is None for row in rows for value in row[1:])
    numbers = np.array([row[1:-1] for row in rows], dtype=float).reshape(len(rows), len(names) + 1)
    return Scores(
        customers=[row[0] for row in rows],
        memberships=numbers[:, :-1],
        log_density=numbers[:, -1],
        missing_features=[row[-1] for row in rows],
    )
