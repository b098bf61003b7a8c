"""Two shapes of public dbt projects, written small: from `init` to `profile`, with every customer and every cent.

The jaffle shop: seeds as raw data, one of them as order lines, and five tests that read models which are not built when
ours are: keys related to a model, models related to each other, tests of the user's own on both sides. The Olist shop:
raw tables in an attached database, a default database and an alias of the project's own, a model with versions, and
every command given from another folder.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.dbt_folder import succeeded
from tests.process_runner import Finished, dbt, warehouse_seg
from tests.small_shop import order_lines

CUSTOMERS = 300
SETTINGS = "    categories: 2\n    model: {segments: {min: 2, max: 2}, covariance: [diag]}\n"

JAFFLE = {
    "dbt_project.yml": """
name: jaffle_shop
profile: jaffle_shop
seeds:
  jaffle_shop:
    +schema: raw
models:
  jaffle_shop:
    +materialized: view
""",
    "profiles.yml": """
jaffle_shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: jaffle_shop.duckdb, schema: main, threads: 2}
""",
    "models/customers.sql": "select id as customer_id, name from {{ ref('raw_customers') }}",
    "models/orders.sql": "select distinct order_id, customer_id from {{ ref('raw_lines') }}",
    "tests/every_line_is_a_customers.sql": (
        "select * from {{ ref('raw_lines') }} left join {{ ref('customers') }} using (customer_id) "
        "where name is null"
    ),
    "tests/every_customer_has_a_segment.sql": (
        "select customer_id from {{ ref('customers') }} "
        "except select customer_id from {{ ref('warehouse_seg', 'seg_customer_segments') }}"
    ),
    "models/schema.yml": """
seeds:
  - name: raw_lines
    config:
      column_types: {ordered_at: timestamp, amount: "decimal(12, 2)"}
    columns:
      - name: customer_id
        data_tests:
          - relationships:
              arguments: {to: ref('customers'), field: customer_id}
      - name: order_id
        data_tests:
          - relationships:
              arguments: {to: ref('orders'), field: order_id}
models:
  - name: customers
    columns:
      - name: customer_id
        data_tests: [unique, not_null]
  - name: orders
    columns:
      - name: customer_id
        data_tests:
          - relationships:
              arguments: {to: ref('customers'), field: customer_id}
""",
}

OLIST = {
    "dbt_project.yml": """
name: olist
profile: olist
models:
  olist:
    +database: marts
    +materialized: table
""",
    "profiles.yml": """
olist:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{folder}/olist.duckdb"
      schema: analytics
      threads: 2
      attach:
        - {path: "{folder}/landing.duckdb", alias: landing, read_only: true}
        - {path: "{folder}/marts.duckdb", alias: marts}
""",
    "models/order_lines_v1.sql": "select 1 as customer_unique_id",
    "models/order_lines_v2.sql": (
        "{{ config(alias='fct_order_lines') }}\n"
        "select * rename (customer_id as customer_unique_id, amount as price) "
        "from {{ source('olist_landing', 'items') }}"
    ),
    "models/schema.yml": """
sources:
  - name: olist_landing
    database: landing
    schema: public
    tables: [{name: items}]
models:
  - name: order_lines
    latest_version: 2
    versions: [{v: 1}, {v: 2}]
""",
}
MAPPING = "    columns: {customer_id: customer_unique_id, amount: price}\n"


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip().replace("{folder}", str(folder)))
    return folder


def set_up(folder: Path, settings: str) -> None:
    """What a person writes after `init`."""
    definition = folder / "dbt_project.yml"
    text = definition.read_text()
    (line,) = (line for line in text.splitlines(keepends=True) if "transactions:" in line)
    definition.write_text(text.replace(line, line + settings))


def totals(database: Path, schema: str) -> tuple[int, Decimal, int]:
    """Customers and money in the features, customers in the segments."""
    with duckdb.connect(str(database), read_only=True) as connection:
        customers, money = connection.execute(
            f"select count(distinct customer_id), sum(net_spend) from {schema}.seg_customer_rfm"
        ).fetchall()[0]
        ((scored,),) = connection.execute(
            f"select count(*) from {schema}.seg_customer_segments"
        ).fetchall()
    return customers, Decimal(str(money)), scored


def profiled(done: Finished) -> int:
    """The customers that `profile` speaks of."""
    content = json.loads(succeeded(done).out)
    assert sum(segment["customers"] for segment in content["segments"]) == content["customers"]
    customers: int = content["customers"]
    return customers


@pytest.fixture(scope="module")
def money() -> Decimal:
    """To the cent, of all order lines."""
    return sum((Decimal(f"{amount:.2f}") for amount in order_lines(CUSTOMERS)["amount"]), Decimal())


def test_a_jaffle_shop_with_a_seed_as_order_lines(tmp_path: Path, money: Decimal) -> None:
    folder = written(tmp_path / "jaffle", JAFFLE)
    lines = order_lines(CUSTOMERS)
    (folder / "seeds").mkdir()
    lines.to_csv(folder / "seeds" / "raw_lines.csv", index=False)
    ids = sorted(set(lines["customer_id"]))
    people = "".join(f"{number},Customer {number}\n" for number in ids)
    (folder / "seeds" / "raw_customers.csv").write_text("id,name\n" + people)

    # The seed is not loaded: `init` cannot see the key's type there.
    start = ("init", "--transactions", "raw_lines", "--customer-id-type", "integer")
    succeeded(warehouse_seg(*start, folder=folder))
    set_up(folder, SETTINGS)
    succeeded(dbt("deps", folder=folder))
    # On a fresh schema: nothing that the tests on the keys read is there yet.
    succeeded(warehouse_seg("run", folder=folder))

    assert profiled(warehouse_seg("profile", "--json", folder=folder)) == CUSTOMERS
    assert totals(folder / "jaffle_shop.duckdb", "main") == (CUSTOMERS, money, CUSTOMERS)
    # And dbt alone, with every test of the user's own.
    succeeded(dbt("build", folder=folder))


def test_an_olist_shop_from_another_folder(tmp_path: Path, money: Decimal) -> None:
    folder = written(tmp_path / "olist", OLIST)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lines = order_lines(CUSTOMERS)
    with duckdb.connect(str(folder / "landing.duckdb")) as database:
        database.register("lines", lines)
        database.execute("create schema public")
        database.execute(
            "create table public.items as "
            "select * replace (cast(amount as decimal(12, 2)) as amount) from lines"
        )
    there = ("--project-dir", str(folder), "--profiles-dir", str(folder))

    start = ("init", "--transactions", "order_lines", "--customer-id-type", "bigint")
    succeeded(warehouse_seg(*start, "--project-dir", str(folder), folder=elsewhere))
    set_up(folder, SETTINGS + MAPPING)
    succeeded(dbt("deps", *there, folder=elsewhere))
    succeeded(warehouse_seg("run", *there, folder=elsewhere))

    assert profiled(warehouse_seg("profile", "--json", *there, folder=elsewhere)) == CUSTOMERS
    assert totals(folder / "olist.duckdb", "analytics") == (CUSTOMERS, money, CUSTOMERS)
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as marts:
        query = (
            "select count(distinct customer_unique_id), sum(price) from analytics.fct_order_lines"
        )
        assert marts.execute(query).fetchall() == [(CUSTOMERS, money)]
    # Nothing was made where the commands were given.
    assert not list(elsewhere.glob("*.duckdb"))
