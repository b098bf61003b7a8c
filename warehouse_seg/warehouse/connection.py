"""The one holder of a connection: runs SQL text, returns rows or arrays, on every engine that a dbt profile may name.

A DuckDB file (and a metastore of Spark's) has one owner at a time, so a warehouse is opened late and closed early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.warehouse import duckdb, postgres, spark
from warehouse_seg.warehouse.client import Client, Columns
from warehouse_seg.warehouse.duckdb import is_lock_error, lock_message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columns", "Warehouse", "connect", "is_lock_error", "lock_message", "open_profile"]

Result = TypeVar("Result")

ENGINES: Mapping[str, Callable[..., Client]] = {
    "duckdb": duckdb.open_profile,
    "postgres": postgres.open_profile,
    "spark": spark.open_profile,
}
"""Type of a dbt profile → what opens it."""


class Warehouse:
    """An open connection and the dialect it speaks. Use it in a `with` statement."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    @property
    def dialect(self) -> str:
        """The engine, as dbt names it."""
        return self._client.dialect

    @property
    def has_transactions(self) -> bool:
        """Whether the engine makes several statements one, and has tables that end with the connection."""
        return self._client.has_transactions

    @contextmanager
    def transaction(self, relation: str) -> Iterator[None]:
        """Statements that change a table together, or not at all, with nobody else writing it meanwhile.

        Only where the engine has transactions.
        """
        self.execute("begin transaction")
        try:
            if self._client.lock_of_table:
                self.execute(self._client.lock_of_table.format(relation=relation))
            yield
        except BaseException:
            self.execute("rollback")
            raise
        self.execute("commit")

    def execute(self, sql: str) -> None:
        """Run one statement for its effect. Raises UsageError, with the statement, where the engine cannot run it."""
        self._run(self._client.execute, sql)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries."""
        names, rows = self._run(self._client.rows, sql)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def offer(self, name: str, frame: pd.DataFrame) -> None:
        """Let SQL on this connection read a frame as the view `name`, which DuckDB alone can without a copy."""
        self._client.offer(name, frame)

    def arrays(self, sql: str) -> Columns:
        """The columns of a query as NumPy arrays (n,); NULL in a number is NaN."""
        return self._run(self._client.arrays, sql)

    def column_types(self, query: str) -> dict[str, str]:
        """Name → SQL type of every column of a query."""
        return self._run(self._client.column_types, query)

    def has_relation(self, relation: str) -> bool:
        """Whether the engine has a table or view `relation` (a name as SQL text); one that cannot be read is there."""
        return self._run(self._client.has_relation, relation)

    def _run(self, call: Callable[[str], Result], sql: str) -> Result:
        try:
            return call(sql)
        except self._client.errors as error:
            raise UsageError(
                f"{self._client.name} cannot run a statement: {error}\n{sql}"
            ) from error


def connect(path: str | Path, *, read_only: bool = False, patience: float = 10.0) -> Warehouse:
    """The DuckDB file at `path`, waiting up to `patience` seconds while another process holds it.

    Raises UsageError for `:memory:` (nothing would be left when the program ends), for a file that another process
    keeps locked (naming that process) and for a file that this DuckDB cannot read.
    """
    return Warehouse(duckdb.open_file(path, read_only=read_only, patience=patience))


def open_profile(
    credentials: Mapping[str, Any],
    folder: Path,
    opening: Sequence[str] = (),
    *,
    read_only: bool = False,
) -> Warehouse:
    """The warehouse of a dbt profile's target, opened as dbt opens it.

    credentials: as dbt renders them; folder: where dbt is called, and relative paths begin
    opening: statements that dbt runs on a new connection
    Raises UsageError for an engine that this package does not open, and where it cannot be opened.
    """
    engine = credentials["type"]
    if engine not in ENGINES:
        raise UsageError(
            f"found a profile of type {engine}{nearest(engine, ENGINES)}; models are fitted through profiles of type "
            f"{', '.join(ENGINES)}. The dbt package scores on other engines once a model is in their registry tables"
        )
    return Warehouse(ENGINES[engine](credentials, folder, opening, read_only))
