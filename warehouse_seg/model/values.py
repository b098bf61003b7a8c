"""What the values of a model are made of: names that any engine takes, vectors and matrices, a frozen base."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat

if TYPE_CHECKING:
    # The settings have values of these kinds, and `--help` needs no arrays.
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TransformName = Literal["identity", "log", "log1p", "sqrt", "signed_log1p"]


CovarianceType = Literal["full", "tied", "diag", "spherical"]


Vector = tuple[FiniteFloat, ...]


Matrix = tuple[Vector, ...]


def column_name(name: str) -> str:
    """`name`, when it can stand as a quoted identifier on every engine.

    Spaces, quotes, keywords and any script are fine, since names are quoted where they are used.
    """
    if not name or len(name) > 127:
        raise ValueError(f"a column name has 1 to 127 characters, found {len(name)}")
    return printable(name)


def printable(name: str) -> str:
    """`name`, when the registry's reader in dbt takes it too: no backslash and no control character."""
    if "\\" in name or any(ord(character) < 32 for character in name):
        raise ValueError(f"a name has no backslash and no control character: {name!r}")
    return name


def segment_key(key: str) -> str:
    """`key`, when it can be part of an unquoted column name (`membership_<key>`)."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", key):
        raise ValueError(
            f"a segment key is a lower-case letter, then letters, digits or _: {key!r}"
        )
    return key


def column_suffix(suffix: str) -> str:
    """`suffix`, when it can end an unquoted column name (`spend_<suffix>`); unlike a key it may begin with a digit."""
    if not re.fullmatch(r"[a-z0-9_]{1,40}", suffix):
        raise ValueError(f"a column suffix is lower-case letters, digits or _: {suffix!r}")
    return suffix


ColumnName = Annotated[str, AfterValidator(column_name)]


SegmentName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]


SegmentKey = Annotated[str, AfterValidator(segment_key)]


ColumnSuffix = Annotated[str, AfterValidator(column_suffix)]


class Frozen(BaseModel):
    """Base of all values here: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def as_matrix(values: Array) -> Matrix:
    """An array (D, D) as nested tuples of floats."""
    return tuple(tuple(float(value) for value in row) for row in values)
