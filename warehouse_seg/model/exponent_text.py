"""Numbers as SQL text that every engine reads back as the same double."""

from __future__ import annotations

from warehouse_seg.model.values import Matrix


def exponent_text(number: float) -> str:
    """The shortest decimal text that reads back as the same double, always with an exponent.

    Without an exponent DuckDB, Snowflake, Postgres and Spark read a DECIMAL, which overflows on products and on
    DuckDB 1.5 is one unit in the last place wrong in 7-15 % of values.

    >>> exponent_text(0.1), exponent_text(1e-300), exponent_text(3)
    ('0.1e0', '1e-300', '3.0e0')
    """
    text = repr(float(number))
    return text if "e" in text else f"{text}e0"


def exponent_texts(matrix: Matrix) -> list[list[str]]:
    """Every number of a matrix as `exponent_text` writes it."""
    return [[exponent_text(value) for value in row] for row in matrix]
