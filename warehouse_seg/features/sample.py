"""What a fit reads of its customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.model.feature import Category
from warehouse_seg.model.transforms import is_measured

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """What a fit reads of its customers.

    columns: name → raw values (n,), NaN where nothing was measured
    population_rows: customers that the sample stands for
    categories: those that have columns of their own
    """

    columns: dict[str, Array]
    population_rows: int
    as_of_date: str | None = None
    categories: tuple[Category, ...] = ()

    @property
    def rows(self) -> int:
        """How many customers were read."""
        return len(next(iter(self.columns.values())))

    def weights(self, name: str | None) -> Array | None:
        """The column that says how many customers a row stands for (n,). Raises UsageError where it cannot be one."""
        return customer_weights(self.columns, name)


def customer_weights(columns: dict[str, Array], name: str | None) -> Array | None:
    """The column that says how many customers a row stands for. Raises UsageError where it cannot be one."""
    if name is None:
        return None
    if name not in columns:
        raise UsageError(
            f"found no column {name} among the features{nearest(name, columns)}; `model.weight` names a numeric column "
            "that says how many customers a row stands for"
        )
    weights = columns[name].astype(float)
    if not (is_measured(weights) & (weights >= 0)).all() or weights.sum() <= 0:
        raise UsageError(
            f"found weights in {name} that are missing, negative or all zero; a weight says how many customers a row "
            "stands for: give every row one of at least 0"
        )
    return weights
