"""DuckDB: a file that one program has at a time.

Only those calls of its client are used that behave alike from DuckDB 1.4 to 2.0.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from warehouse_seg.errors import UsageError
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.client import Columns, Row

if TYPE_CHECKING:
    import pandas as pd


class DuckDB:
    """A connection of DuckDB's own client."""

    name = "DuckDB"
    dialect = "duckdb"
    has_transactions = True
    lock_of_table = None  # a file has one writer
    errors: tuple[type[Exception], ...] = (duckdb.Error,)

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""
        # An undrained result blocks the next call on DuckDB 2.0.
        self.connection.execute(sql).fetchall()

    def rows(self, sql: str) -> tuple[list[str], Sequence[Row]]:
        """The names of a query's columns, and its rows."""
        cursor = self.connection.execute(sql)
        return [column[0] for column in cursor.description or []], cursor.fetchall()

    def arrays(self, sql: str) -> Columns:
        """The columns of a query (n,); NULL in a number is NaN."""
        columns: Mapping[str, Any] = self.connection.execute(sql).fetchnumpy()
        return {name: _without_mask(values) for name, values in columns.items()}

    def column_types(self, query: str) -> dict[str, str]:
        """Name → SQL type of every column of a query."""
        described = self.connection.execute(f"describe select * from ({query}) as described")
        return {row[0]: row[1] for row in described.fetchall()}

    def offer(self, name: str, frame: pd.DataFrame) -> None:
        """Let SQL on this connection read a frame as the view `name`."""
        self.connection.register(name, frame)

    def has_relation(self, relation: str) -> bool:
        """Whether the catalogue has a table or view of this name (SQL text), readable or not."""
        name = exp.to_table(relation, dialect="duckdb")
        parts = {"table_catalog": name.catalog, "table_schema": name.db, "table_name": name.name}
        given = {column: part for column, part in parts.items() if part}
        conditions = " and ".join(f"lower({column}) = lower(?)" for column in given)
        query = f"select 1 from information_schema.tables where {conditions}"
        return bool(self.connection.execute(query, list(given.values())).fetchall())

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()


def open_file(
    path: str | Path,
    *,
    read_only: bool = False,
    patience: float = 10.0,
    config: Mapping[str, Any] | None = None,
    opening: Sequence[str] = (),
    filesystems: Sequence[Mapping[str, Any]] = (),
    memory_is_enough: bool = False,
) -> DuckDB:
    """The DuckDB file at `path`, waiting up to `patience` seconds while another process holds it.

    opening: statements to run before anything else; filesystems: fsspec's, `fs` names the implementation
    Raises UsageError for `:memory:` (nothing would be left when the program ends), for a file that another process
    keeps locked (naming that process) and for a file that this DuckDB cannot read.
    """
    in_memory = str(path) in ("", ":memory:")
    if in_memory and not memory_is_enough:
        raise UsageError(
            "found the DuckDB path ':memory:', needed a file: an in-memory database ends with dbt. "
            "Give the profile's output a `path:` such as warehouse.duckdb"
        )
    if read_only and not in_memory and "://" not in str(path) and not Path(path).exists():
        raise UsageError(f"found no DuckDB file at {path}; build the features first: `dbt build`")

    def opened() -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(
            str(path), read_only=read_only and not in_memory, config=dict(config or {})
        )
        try:
            for filesystem in filesystems:
                connection.register_filesystem(_filesystem(**filesystem))
            for statement in opening:
                connection.execute(statement).fetchall()
        except BaseException:
            connection.close()
            raise
        return connection

    return DuckDB(_with_patience(opened, path, patience))


def _filesystem(fs: str, **options: Any) -> Any:
    # Who names a file system in the profile has fsspec.
    return import_module("fsspec").filesystem(fs, **options)


def open_profile(
    credentials: Mapping[str, Any], folder: Path, opening: Sequence[str], read_only: bool
) -> DuckDB:
    """The database of a dbt profile with dbt's own settings, extensions and attached databases.

    Raises UsageError as `open_file` does. In memory is enough where the tables are in an attached database.
    """
    path = str(credentials.get("path", ":memory:"))
    attached = [attachment.get("alias") for attachment in credentials.get("attach") or ()]
    elsewhere = credentials.get("database") in attached
    if Path.cwd() != folder:
        # A view of files names them from the folder where dbt works.
        opening = [
            *opening,
            f"set file_search_path = {render('seg_literal', str(folder), 'duckdb')}",
        ]
    return open_file(
        path,
        read_only=read_only,
        config=credentials.get("config_options") or {},
        opening=opening,
        filesystems=credentials.get("filesystems") or (),
        memory_is_enough=elsewhere,
    )


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
