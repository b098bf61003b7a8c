"""The demo's directory: what is written, what is left alone, what survives an interruption."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from ruamel.yaml import YAML

from warehouse_seg.demo import generate_shop, write_shop, writer
from warehouse_seg.demo.writer import DATABASE, RECORD, TABLES
from warehouse_seg.errors import UsageError

CUSTOMERS = 200
SEED = 5


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "shop", customers=CUSTOMERS, seed=SEED).directory


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def files(directory: Path) -> dict[str, bytes]:
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


def texts(directory: Path) -> dict[str, bytes]:
    """All files but the database, whose bytes DuckDB does not promise."""
    return {name: content for name, content in files(directory).items() if name != DATABASE}


# ----------------------------------------------------------------------------- what is written


@pytest.mark.both_duckdb
def test_tables_arrive_whole_with_their_types(demo: Path) -> None:
    shop = generate_shop(CUSTOMERS, SEED)
    for name, columns in TABLES.items():
        described = rows(demo / DATABASE, f"describe raw.{name}")
        types = {str(column[0]): str(column[1]).lower() for column in described}
        assert types == {key: kind.replace(" ", "") for key, kind in columns.items()}
        assert rows(demo / DATABASE, f"select count(*) from raw.{name}") == [
            (len(shop.tables()[name]),)
        ]


@pytest.mark.both_duckdb
def test_money_arrives_to_the_cent(demo: Path) -> None:
    query = "select cast(amount * 100 as bigint) from raw.raw_order_lines order by rowid"
    cents = [row[0] for row in rows(demo / DATABASE, query)]
    assert cents == generate_shop(CUSTOMERS, SEED).raw_order_lines["amount_cents"].to_list()


@pytest.mark.both_duckdb
def test_nulls_arrive_as_nulls(demo: Path) -> None:
    shop = generate_shop(CUSTOMERS, SEED)
    for name, column in (
        ("raw_orders", "customer_id"),
        ("raw_orders", "cancels_order_id"),
        ("raw_products", "category"),
        ("raw_customers", "age_band"),
        ("demo_customer_truth", "second_customer_type"),
    ):
        nulls = int(shop.tables()[name][column].isna().sum())
        assert nulls > 0
        query = f"select count(*) from raw.{name} where {column} is null"
        assert rows(demo / DATABASE, query) == [(nulls,)]


def test_older_programs_can_open_the_database(demo: Path) -> None:
    query = "select tags['storage_version'] from duckdb_databases() where database_name = 'shop'"
    [(version,)] = rows(demo / DATABASE, query)
    assert str(version).startswith("v1.2")


def test_schemas_are_not_called_like_the_database(demo: Path) -> None:
    profile = YAML(typ="safe").load((demo / "profiles.yml").read_text())
    output = profile["demo_shop"]["outputs"]["dev"]
    assert output["path"] == DATABASE
    assert Path(DATABASE).stem not in (output["schema"], writer.SCHEMA)


def test_every_source_of_the_project_is_written_with_its_columns(demo: Path) -> None:
    [source] = YAML(typ="safe").load((demo / "models/staging/_raw.yml").read_text())["sources"]
    declared = {
        table["name"]: [column["name"] for column in table["columns"]] for table in source["tables"]
    }
    assert declared == {name: list(columns) for name, columns in TABLES.items()}


def test_what_was_written_is_told(tmp_path: Path) -> None:
    written = write_shop(tmp_path / "new" / "shop", customers=CUSTOMERS, seed=SEED)
    assert written.rows["raw_customers"] == CUSTOMERS
    assert written.database.is_file()
    assert written.kept == ()


# ----------------------------------------------------------------------------- once more


def test_repeating_makes_the_same_directory(demo: Path) -> None:
    before = texts(demo)
    with duckdb.connect(str(demo / DATABASE)) as connection:
        connection.execute("create table raw.made_by_dbt as select 1 as one")
    written = write_shop(demo, customers=CUSTOMERS, seed=SEED)
    assert written.kept == ()
    assert texts(demo) == before
    query = "select table_name from information_schema.tables order by 1"
    assert [row[0] for row in rows(demo / DATABASE, query)] == sorted(TABLES)


def test_a_changed_file_stays_and_a_lost_one_comes_back(demo: Path) -> None:
    changed, lost = demo / "dbt_project.yml", demo / "models/staging/order_lines.sql"
    changed.write_text(changed.read_text() + "# mine\n")
    before = lost.read_bytes()
    lost.unlink()
    for _ in range(2):
        written = write_shop(demo, customers=CUSTOMERS, seed=SEED)
        assert written.kept == (changed,)
        assert changed.read_text().endswith("# mine\n")
        assert lost.read_bytes() == before


def test_a_file_of_an_older_version_is_renewed(demo: Path) -> None:
    """What the record says we wrote is ours to replace, though its content is no longer what we would write."""
    old = demo / "README.md"
    new = old.read_bytes()
    old.write_bytes(b"as an older version wrote it")
    record = json.loads((demo / RECORD).read_text())
    record["files"]["README.md"] = writer._fingerprint(old.read_bytes())
    (demo / RECORD).write_text(json.dumps(record))
    assert write_shop(demo, customers=CUSTOMERS, seed=SEED).kept == ()
    assert old.read_bytes() == new


# ----------------------------------------------------------------------------- what is refused


def test_a_directory_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: somebody_elses\n")
    with pytest.raises(UsageError, match="is not empty and holds no demo"):
        write_shop(tmp_path, customers=CUSTOMERS, seed=SEED)
    assert list(files(tmp_path)) == ["dbt_project.yml"]


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("")
    with pytest.raises(UsageError, match="needed a directory"):
        write_shop(tmp_path / "shop", customers=CUSTOMERS, seed=SEED)


def test_an_empty_directory_will_do(tmp_path: Path) -> None:
    assert write_shop(tmp_path, customers=CUSTOMERS, seed=SEED).database.is_file()


def test_too_small_a_shop_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_shop(tmp_path / "shop", customers=1, seed=SEED)
    assert not (tmp_path / "shop").exists()


def test_a_database_that_is_open_elsewhere_is_refused(demo: Path) -> None:
    before = files(demo)
    program = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(demo / DATABASE)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        with pytest.raises(UsageError, match=f"process {reader.pid}"):
            write_shop(demo, customers=CUSTOMERS, seed=SEED + 1)
        reader.communicate("done\n")
    assert texts(demo) == {name: text for name, text in before.items() if name != DATABASE}


# ----------------------------------------------------------------------------- interruptions


class Interrupted(BaseException):
    """As a signal would come: no `except Exception` catches it."""


def test_an_interruption_leaves_the_old_database(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(demo / DATABASE, "select sum(amount) from raw.raw_order_lines")

    def load_half(fresh: Path, _shop: object) -> None:
        fresh.write_bytes(b"half a database")
        raise Interrupted

    monkeypatch.setattr(writer, "_load", load_half)
    with pytest.raises(Interrupted):
        write_shop(demo, customers=CUSTOMERS, seed=SEED + 1)
    assert rows(demo / DATABASE, "select sum(amount) from raw.raw_order_lines") == before
    assert not list(demo.glob(".loading*"))
    monkeypatch.undo()
    write_shop(demo, customers=CUSTOMERS, seed=SEED + 1)
    assert rows(demo / DATABASE, "select sum(amount) from raw.raw_order_lines") != before


def test_an_interrupted_first_run_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_database: Path, _shop: object) -> None:
        raise Interrupted

    monkeypatch.setattr(writer, "_write_database", interrupt)
    with pytest.raises(Interrupted):
        write_shop(tmp_path, customers=CUSTOMERS, seed=SEED)
    monkeypatch.undo()
    assert write_shop(tmp_path, customers=CUSTOMERS, seed=SEED).kept == ()


def test_what_a_killed_program_left_is_not_replayed(demo: Path) -> None:
    (demo / ".loading").mkdir()
    (demo / ".loading" / "scratch.duckdb").write_bytes(b"left behind")
    program = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); "
        "c.execute('create table raw.lost as select 1 as one'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program, str(demo / DATABASE)], check=False)
    assert (demo / f"{DATABASE}.wal").exists()
    write_shop(demo, customers=CUSTOMERS, seed=SEED)
    query = "select count(*) from information_schema.tables where table_name = 'lost'"
    assert rows(demo / DATABASE, query) == [(0,)]
