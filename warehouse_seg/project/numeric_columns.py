"""Which columns of the features are numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from warehouse_seg.model.segment_model import KEYS

NUMERIC_TYPE = re.compile(
    r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\d*|DECIMAL|NUMERIC|DOUBLE( PRECISION)?|FLOAT\d*|REAL)(\s*\([\d\s,]+\))?"
)


def numeric_columns(types: Mapping[str, str]) -> list[str]:
    """The numeric ones of these columns (name → SQL type), without the keys."""
    names = [name for name in types if name not in KEYS]
    return [name for name in names if is_numeric(types[name])]


def is_numeric(sql_type: str) -> bool:
    """Whether an engine's name of a type means one number: lists of them, and nested types, do not.

    >>> [is_numeric(name) for name in ("DECIMAL(18,3)", "ubigint", "double precision", "FLOAT[3]", "INTEGER[]")]
    [True, True, True, False, False]
    """
    return NUMERIC_TYPE.fullmatch(sql_type.strip().upper()) is not None
