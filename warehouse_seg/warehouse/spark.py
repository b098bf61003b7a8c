"""Spark, through a session of our own that sees what dbt-spark's `method: session` sees.

The session takes the profile's `server_side_parameters`, so it has the same metastore and the same warehouse folder.
An embedded metastore (Derby) has one program at a time, so a session ends with its Java process, before dbt's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse_seg.errors import UsageError
from warehouse_seg.warehouse.client import Columns, Row, array_of

if TYPE_CHECKING:
    import pandas as pd

QUIET = {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}
"""Unless the profile says otherwise: Java's warnings would stand among our own lines."""


class Spark:
    """A Spark session."""

    name = "Spark"
    dialect = "spark"
    has_transactions = False
    lock_of_table = None

    def __init__(self, session: Any) -> None:
        self._session = session

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What Spark raises: its own errors, and what goes wrong in Java while rows are made."""
        from py4j.protocol import Py4JError  # noqa: PLC0415 - not everybody has it

        return (driver().errors.PySparkException, Py4JError)

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""
        self._run(sql).collect()

    def rows(self, sql: str) -> tuple[list[str], Sequence[Row]]:
        """The names of a query's columns, and its rows."""
        frame = self._run(sql)
        return frame.columns, [tuple(row) for row in frame.collect()]

    def arrays(self, sql: str) -> Columns:
        """The columns of a query (n,); NULL in a number is NaN."""
        names, rows = self.rows(sql)
        return {name: array_of([row[i] for row in rows]) for i, name in enumerate(names)}

    def column_types(self, query: str) -> dict[str, str]:
        """Name → SQL type of every column of a query."""
        return {field.name: field.dataType.simpleString() for field in self._run(query).schema}

    def has_relation(self, relation: str) -> bool:
        """Whether the catalogue has a table or view of this name (SQL text), readable or not."""
        return bool(self._session.catalog.tableExists(relation))

    def offer(self, name: str, frame: pd.DataFrame) -> None:  # noqa: ARG002
        """Only an engine inside this process reads a frame without a copy. Raises TypeError."""
        raise TypeError(f"{self.name} reads no frame of ours; write a table there")

    def close(self) -> None:
        """End the session and its Java process, which holds the metastore as long as it lives."""
        # The private names are the only way to the process, and to a next session that starts one of its own.
        context = type(self._session.sparkContext)
        gateway = context._gateway  # noqa: SLF001
        self._session.stop()
        gateway.shutdown()
        with contextlib.suppress(OSError):
            gateway.proc.stdin.close()
        gateway.proc.wait()
        context._gateway = context._jvm = None  # noqa: SLF001

    def _run(self, sql: str) -> Any:
        return self._session.sql(sql)


def open_profile(
    credentials: Mapping[str, Any], folder: Path, _opening: Sequence[str], _read_only: bool
) -> Spark:
    """A session as dbt-spark makes it for this profile; relative paths in it begin where dbt is called.

    Raises UsageError for another method than `session`, and where no session can be started.
    """
    if credentials.get("method") != "session":
        raise UsageError(
            f"found a Spark profile with `method: {credentials.get('method')}`, needed `method: session` to read the "
            "features and to write the registry. Add such an output to the profile for these commands; `spark.master` "
            "under its `server_side_parameters` may name a cluster. dbt itself goes on with any method"
        )
    builder = driver().sql.SparkSession.builder.enableHiveSupport()
    for name, value in {**QUIET, **(credentials.get("server_side_parameters") or {})}.items():
        builder = builder.config(name, str(value))
    try:
        with _inside(folder), warnings.catch_warnings():
            # PySpark warns of the newest pandas, which plays no part in what is asked of it here.
            warnings.simplefilter("ignore", FutureWarning)
            session = builder.getOrCreate()
    except Exception as error:  # no Java at all, a wrong version, a port: each raises another kind
        raise UsageError(
            f"no Spark session can be started: {error}. Spark needs Java (JAVA_HOME, or `java` on the path), and "
            "nobody else may have the metastore open; `dbt debug` tells more"
        ) from error
    # PySpark writes every failed statement with its Java stack to stderr; ours says it in the error.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    return Spark(session)


def driver() -> Any:
    """The module pyspark. Raises UsageError, naming the extra to install, where it is not there."""
    try:
        import pyspark  # noqa: PLC0415 - not everybody has it
        import pyspark.errors  # noqa: PLC0415
        import pyspark.sql  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"this project's profile is of type spark, and PySpark is missing ({error}). "
            "Install it: pip install 'warehouse-seg[spark]'"
        ) from error
    return pyspark


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """The Java process takes its working directory from ours, and with it the place of a metastore."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
