"""The one holder of a connection: runs SQL text, returns rows or arrays.

A thin wrapper around DuckDB's own client, of which only those calls are used that behave alike from DuckDB 1.4 to 2.0.
A DuckDB file has one owner at a time, so a warehouse is opened late, closed early, and waits for its turn.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, NDArray[Any]]


class Warehouse:
    """An open connection and the dialect it speaks. Use it in a `with` statement."""

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def execute(self, sql: str) -> None:
        """Run one statement for its effect. Raises UsageError, with the statement, where DuckDB cannot run it."""
        # An undrained result blocks the next call on DuckDB 2.0.
        self._run(sql).fetchall()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries."""
        cursor = self._run(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def offer(self, name: str, frame: pd.DataFrame) -> None:
        """Let SQL on this connection read a frame as the view `name`."""
        self._connection.register(name, frame)

    def arrays(self, sql: str) -> Columns:
        """The columns of a query as NumPy arrays (n,); NULL in a number is NaN."""
        columns: Mapping[str, Any] = self._run(sql).fetchnumpy()
        return {name: _without_mask(values) for name, values in columns.items()}

    def column_types(self, query: str) -> dict[str, str]:
        """Name → SQL type of every column of a query."""
        described = self.rows(f"describe select * from ({query}) as described")
        return {row["column_name"]: row["column_type"] for row in described}

    def has_relation(self, relation: str) -> bool:
        """Whether `relation` (a name as SQL text) can be read."""
        try:
            self.execute(f"select 1 from {relation} limit 0")
        except UsageError as error:
            if isinstance(error.__cause__, duckdb.CatalogException):
                return False
            raise
        return True

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(sql)
        except duckdb.Error as error:
            raise UsageError(f"DuckDB cannot run a statement: {error}\n{sql}") from error


def connect(path: str | Path, *, read_only: bool = False, patience: float = 10.0) -> Warehouse:
    """The DuckDB file at `path`, waiting up to `patience` seconds while another process holds it.

    Raises UsageError for `:memory:` (nothing would be left when the program ends), for a file that another process
    keeps locked (naming that process) and for a file that this DuckDB cannot read.
    """
    if str(path) in ("", ":memory:"):
        raise UsageError(
            "found the DuckDB path ':memory:', needed a file: an in-memory database ends with dbt. "
            "Give the profile's output a `path:` such as warehouse.duckdb"
        )
    if read_only and not Path(path).exists():
        raise UsageError(f"found no DuckDB file at {path}; build the features first: `dbt build`")
    connection = _with_patience(
        lambda: duckdb.connect(str(path), read_only=read_only), path, patience
    )
    return Warehouse(connection)


def _with_patience(
    opening: Callable[[], duckdb.DuckDBPyConnection], path: str | Path, patience: float
) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + patience
    while True:
        try:
            return opening()
        except duckdb.Error as error:
            if not is_lock_error(str(error)):
                raise UsageError(
                    f"DuckDB {duckdb.__version__} cannot open {path}: {error}"
                ) from error
            if time.monotonic() >= deadline:
                raise UsageError(lock_message(str(path), str(error))) from error
        time.sleep(0.2)


def is_lock_error(text: str) -> bool:
    """Whether DuckDB's (or dbt's) text says that another process holds the file."""
    return "could not set lock on file" in text.lower()


def lock_message(path: str, text: str) -> str:
    """Who holds the file and what to do, from DuckDB's own text."""
    holder = re.search(r"lock is held in (?:(?P<program>.+?) \()?PID (?P<id>\d+)", text)
    program = f" ({holder['program']})" if holder and holder["program"] else ""
    who = f"process {holder['id']}{program}" if holder else "another process"
    return (
        f"{path} is locked by {who}. A DuckDB file has one writer, and none while somebody reads it: "
        "close that program (a BI tool or a notebook is a usual one; let BI read a published copy) and try again"
    )


def _without_mask(values: Any) -> NDArray[Any]:
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    if values.dtype.kind in "iufb":
        return np.asarray(np.ma.filled(values.astype(float), np.nan))
    # filled(None) would fill with NumPy's own placeholder, the text '?'.
    objects = np.array(values.data, dtype=object)
    objects[np.ma.getmaskarray(values)] = None
    return objects
