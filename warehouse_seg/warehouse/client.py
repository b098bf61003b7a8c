"""The few things that a warehouse asks of an engine's own driver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, NDArray[Any]]
Row = tuple[Any, ...]


class Client(Protocol):
    """An open connection through the engine's driver."""

    @property
    def name(self) -> str:
        """The engine, for people."""
        ...

    @property
    def dialect(self) -> str:
        """The engine, as dbt names it."""
        ...

    @property
    def has_transactions(self) -> bool:
        """Whether several statements can be made one, and tables that end with the connection."""
        ...

    @property
    def lock_of_table(self) -> str | None:
        """The statement that keeps other writers from `{relation}` until a transaction ends; None where none can be."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises for a statement that cannot run."""
        ...

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""
        ...

    def rows(self, sql: str) -> tuple[list[str], Sequence[Row]]:
        """The names of a query's columns, and its rows."""
        ...

    def arrays(self, sql: str) -> Columns:
        """The columns of a query (n,); NULL in a number is NaN."""
        ...

    def column_types(self, query: str) -> dict[str, str]:
        """Name → the engine's name of the type of every column of a query."""
        ...

    def has_relation(self, relation: str) -> bool:
        """Whether the engine's catalogue has a table or view of this name (SQL text), readable or not."""
        ...

    def offer(self, name: str, frame: pd.DataFrame) -> None:
        """Let SQL read a frame as the view `name`. Raises TypeError where the engine cannot without a copy."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


def array_of(values: Sequence[Any]) -> NDArray[Any]:
    """A column's values (n,): numbers as doubles with NaN for NULL, else objects.

    >>> array_of([1, None])
    array([ 1., nan])
    >>> array_of(["a", None])
    array(['a', None], dtype=object)
    """
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    return np.array(values, dtype=object)
