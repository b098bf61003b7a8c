"""Postgres, through the driver that dbt-postgres brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse_seg.errors import UsageError
from warehouse_seg.warehouse.client import Columns, Row, array_of

if TYPE_CHECKING:
    import pandas as pd

PASSED_ON = ("sslmode", "sslcert", "sslkey", "sslrootcert", "application_name", "connect_timeout")
"""Keys of a dbt profile that the driver takes under the same name."""


class Postgres:
    """A connection in which every statement is a transaction of its own."""

    name = "Postgres"
    dialect = "postgres"
    has_transactions = True
    lock_of_table = "lock table {relation} in share row exclusive mode"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""
        return (driver().Error,)

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def rows(self, sql: str) -> tuple[list[str], Sequence[Row]]:
        """The names of a query's columns, and its rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [column.name for column in cursor.description or ()], cursor.fetchall()

    def arrays(self, sql: str) -> Columns:
        """The columns of a query (n,); NULL in a number is NaN."""
        names, rows = self.rows(sql)
        return {name: array_of([row[i] for row in rows]) for i, name in enumerate(names)}

    def column_types(self, query: str) -> dict[str, str]:
        """Name → SQL type of every column of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"select * from ({query}) as described limit 0")
            columns = list(cursor.description or ())
        return {column.name: self._type_name(column.type_code) for column in columns}

    def _type_name(self, type_code: int) -> str:
        _, rows = self.rows(f"select format_type({type_code}, null)")
        return str(rows[0][0])

    def has_relation(self, relation: str) -> bool:
        """Whether the catalogue has a table or view of this name (SQL text), readable or not."""
        with self._connection.cursor() as cursor:
            cursor.execute("select to_regclass(%s)", (relation,))
            return cursor.fetchone()[0] is not None

    def offer(self, name: str, frame: pd.DataFrame) -> None:  # noqa: ARG002
        """Only an engine inside this process reads a frame without a copy. Raises TypeError."""
        raise TypeError(f"{self.name} reads no frame of ours; write a table there")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def open_profile(
    credentials: Mapping[str, Any], _folder: Path, _opening: Sequence[str], read_only: bool
) -> Postgres:
    """The database of a dbt profile, entered as dbt enters it.

    Raises UsageError where it cannot be reached.
    """
    psycopg2 = driver()
    options = {name: credentials[name] for name in PASSED_ON if credentials.get(name) is not None}
    if credentials.get("search_path"):
        escaped = credentials["search_path"].replace(" ", "\\ ")
        options["options"] = f"-c search_path={escaped}"
    if credentials.get("keepalives_idle"):
        options["keepalives_idle"] = credentials["keepalives_idle"]
    place = f"{credentials['host']}:{credentials['port']}, database {credentials['database']}"
    try:
        connection = psycopg2.connect(
            host=credentials["host"],
            port=credentials["port"],
            user=credentials["user"],
            password=credentials["password"],
            dbname=credentials["database"],
            **options,
        )
    except psycopg2.Error as error:
        raise UsageError(
            f"Postgres at {place} cannot be opened: {str(error).strip()}. "
            "Is it running, and is the profile right? `dbt debug` tells more"
        ) from error
    connection.set_session(autocommit=True, readonly=read_only)
    _read_numeric_as_double(connection)
    client = Postgres(connection)
    if credentials.get("role"):
        client.execute(f"set role {credentials['role']}")
    return client


def driver() -> Any:
    """The module psycopg2. Raises UsageError, naming the extra to install, where it is not there."""
    try:
        import psycopg2  # noqa: PLC0415 - not everybody has it
        import psycopg2.errors  # noqa: PLC0415
        import psycopg2.extensions  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"this project's profile is of type postgres, and its driver is missing ({error}). "
            "Install it: pip install 'warehouse-seg[postgres]'"
        ) from error
    return psycopg2


def _read_numeric_as_double(connection: Any) -> None:
    """Sums of whole numbers are NUMERIC here, and numbers with an exponent as well: they are plain numbers to us."""
    extensions = driver().extensions
    numeric = extensions.new_type(
        extensions.DECIMAL.values,
        "NUMERIC_AS_DOUBLE",
        lambda text, _cursor: None if text is None else float(text),
    )
    extensions.register_type(numeric, connection)
