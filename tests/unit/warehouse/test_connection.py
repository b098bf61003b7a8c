"""A connection says which statement failed, and gives NumPy what NumPy can take."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from warehouse_seg.errors import UsageError
from warehouse_seg.warehouse.connection import Warehouse, connect, open_profile
from warehouse_seg.warehouse.duckdb import DuckDB

pytestmark = pytest.mark.both_duckdb


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    with Warehouse(DuckDB(duckdb.connect(config={"threads": 1}))) as opened:
        yield opened


@pytest.mark.parametrize("method", ["execute", "rows", "arrays"])
def test_a_statement_that_cannot_run_stands_in_the_error(warehouse: Warehouse, method: str) -> None:
    with pytest.raises(UsageError, match="no_such_column") as caught:
        getattr(warehouse, method)("select no_such_column\nfrom range(3)")
    assert "select no_such_column\nfrom range(3)" in str(caught.value)


def test_a_relation_is_there_or_not(warehouse: Warehouse) -> None:
    warehouse.execute('create table "a ""table""" as select 1 as i')
    assert warehouse.has_relation('"a ""table"""')
    assert not warehouse.has_relation("b")
    assert not warehouse.has_relation("no_schema.b")


def test_nothing_measured_is_nan(warehouse: Warehouse) -> None:
    columns = warehouse.arrays(
        "select * from (values (1, 'a', 1.5), (null, null, null)) as t (whole, word, part)"
    )
    np.testing.assert_array_equal(columns["whole"], [1.0, np.nan])
    np.testing.assert_array_equal(columns["part"], [1.5, np.nan])
    assert list(columns["word"]) == ["a", None]


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_a_database_in_memory_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="an in-memory database ends with dbt"):
        connect(path)


# ------------------------------------------------------------------------------------- the profile's other engines


POSTGRES = {"type": "postgres", "host": "127.0.0.1", "port": 1, "user": "u", "password": "p"}


@pytest.mark.parametrize(
    ("credentials", "module"),
    [
        ({**POSTGRES, "database": "shop"}, "psycopg2"),
        ({"type": "spark", "method": "session"}, "pyspark"),
    ],
)
def test_a_missing_driver_names_the_extra_to_install(
    credentials: dict[str, Any], module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    extra = credentials["type"]
    with pytest.raises(UsageError, match=rf"pip install 'warehouse-seg\[{extra}\]'"):
        open_profile(credentials, tmp_path)


def test_a_spark_profile_of_another_method_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`method: thrift`, needed `method: session`"):
        open_profile({"type": "spark", "method": "thrift"}, tmp_path)


def test_an_engine_that_is_not_opened_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"of type snowflake; .* duckdb, postgres, spark"):
        open_profile({"type": "snowflake"}, tmp_path)
