"""The sample is the same customers, whatever the threads, the order of rows, the type of the key or the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
import sqlglot

from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.sql.dialects import DIALECTS
from warehouse_seg.warehouse.questions import population

pytestmark = pytest.mark.both_duckdb

CUSTOMERS = 5_000
SIZE = 300
SEED = 7

KEYS = {
    "bigint": "i * 1000003",
    "varchar": "'Kundin Nr. ' || i || ' 😀'",
    "uuid": "cast(md5(cast(i as varchar)) as uuid)",
    "integer": "cast(i as integer)",
    "hugeint": "cast(i as hugeint) * 100000000000000000000",
}


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of the test's own: it sets the number of threads."""
    with duckdb.connect() as connection:
        yield connection


def create(database: duckdb.DuckDBPyConnection, key: str, order: str = "i") -> None:
    database.execute(
        f"""
        create or replace table customers as
        select
            {KEYS[key]} as customer_id,
            date '2026-07-01' as as_of_date,
            cast(i / 4 as decimal(18, 2)) as "net spend",
            case when i % 3 > 0 then i end as order_count
        from range({CUSTOMERS}) as numbers(i)
        order by {order}
        """
    )


def sample(
    database: duckdb.DuckDBPyConnection, size: int = SIZE, seed: int = SEED
) -> list[tuple[Any, ...]]:
    query = sample_sql("select * from customers", ["net spend", "order_count"], size, seed)
    return database.execute(query).fetchall()


@pytest.mark.parametrize("key", KEYS)
def test_the_sample_is_the_first_customers_by_md5(
    database: duckdb.DuckDBPyConnection, key: str
) -> None:
    """As Python's own md5 says, hence any engine's: `<key>|<seed>` in hexadecimal, in order."""
    create(database, key)
    keys = [
        row[0]
        for row in database.execute("select cast(customer_id as varchar) from customers").fetchall()
    ]
    digests = sorted(
        (hashlib.md5(f"{key}|{SEED}".encode(), usedforsecurity=False).hexdigest(), key)
        for key in keys
    )
    assert [row[:2] for row in sample(database)] == digests[:SIZE]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("order", ["i desc", "md5(cast(i as varchar))", "i % 7, i"])
def test_threads_and_the_order_of_rows_change_nothing(
    database: duckdb.DuckDBPyConnection, key: str, order: str
) -> None:
    create(database, key)
    database.execute("set threads = 1")
    expected = sample(database)
    create(database, key, order)
    for threads in (1, 2):
        database.execute(f"set threads = {threads}")
        assert sample(database) == expected


def test_another_seed_takes_other_customers(database: duckdb.DuckDBPyConnection) -> None:
    create(database, "bigint")
    first, second = ({row[1] for row in sample(database, seed=seed)} for seed in (SEED, SEED + 1))
    # Two independent samples of 300 in 5,000 share 18 on average.
    assert len(first & second) < 50


def test_a_larger_sample_holds_the_smaller_one(database: duckdb.DuckDBPyConnection) -> None:
    create(database, "uuid")
    assert sample(database, 600)[:SIZE] == sample(database)


def test_a_sample_of_more_than_all_is_all(database: duckdb.DuckDBPyConnection) -> None:
    create(database, "bigint")
    rows = sample(database, CUSTOMERS * 2)
    assert len({row[1] for row in rows}) == len(rows) == CUSTOMERS


def test_measures_come_as_doubles_and_gaps_as_gaps(database: duckdb.DuckDBPyConnection) -> None:
    create(database, "integer")
    for _, key, spend, count in sample(database):
        number = int(key)
        assert isinstance(spend, float)
        assert spend == pytest.approx(number / 4)
        assert count == (float(number) if number % 3 else None)


def test_the_sample_is_spread_over_all_customers(database: duckdb.DuckDBPyConnection) -> None:
    """The share of every tenth of the keys, within four standard deviations of a tenth."""
    create(database, "integer")
    rows = sample(database, 1_000)
    for tenth in range(10):
        count = sum(int(row[1]) * 10 // CUSTOMERS == tenth for row in rows)
        assert abs(count - 100) < 4 * (1_000 * 0.1 * 0.9) ** 0.5


def test_the_population_is_counted(database: duckdb.DuckDBPyConnection) -> None:
    create(database, "varchar")
    row = database.execute(population("select * from customers")).fetchall()[0]
    assert (row[0], row[1], str(row[2])[:10]) == (CUSTOMERS, CUSTOMERS, "2026-07-01")


def test_nobody_is_counted_as_nobody(database: duckdb.DuckDBPyConnection) -> None:
    create(database, "varchar")
    none = "select * from customers where false"
    assert database.execute(population(none)).fetchall() == [(0, 0, None)]
    assert database.execute(sample_sql(none, ["net spend"], 10, 1)).fetchall() == []


@pytest.mark.parametrize("name", ['double"quote', "select", "ключ 😀", "{{ jinja }}", "x'y; --"])
def test_a_column_may_have_any_name(database: duckdb.DuckDBPyConnection, name: str) -> None:
    quoted = name.replace('"', '""')
    relation = f"""select 1 as customer_id, date '2026-07-01' as as_of_date, 2.5 as "{quoted}\""""
    assert database.execute(sample_sql(relation, [name], 10, 1)).fetchall()[0][2] == 2.5


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_the_query(dialect: str) -> None:
    for query in (
        sample_sql("select * from shop.customers", ["net spend"], SIZE, SEED, dialect),
        population("select * from shop.customers", dialect),
    ):
        statement = sqlglot.parse_one(query, dialect=dialect)
        assert [table.name for table in statement.find_all(sqlglot.exp.Table)].count("customers")
