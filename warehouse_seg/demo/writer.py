"""Writes the demo: a small dbt project, and the DuckDB file with the raw tables that it reads.

Safe to repeat. A record in the directory says which files were written and with what content: a file that somebody has
changed since is theirs and stays, the database is made anew. Every file is written beside its place and then renamed,
so an interruption leaves the old one or the new one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from warehouse_seg.demo.shop import DEFAULT_CUSTOMERS, DEFAULT_SEED, Shop, generate_shop
from warehouse_seg.errors import UsageError
from warehouse_seg.sql.rendering import render, render_statement
from warehouse_seg.warehouse.connection import connect

PROJECT_FILES = Path(__file__).resolve().parent / "project"
RECORD = ".warehouse_seg_demo.json"
DATABASE = "shop.duckdb"
SCHEMA = "raw"
"""Not `shop`: DuckDB cannot tell a schema from the database file of the same name."""

STORAGE_VERSION = "v1.2.0"
"""What DuckDB 2.0 writes by default no 1.x program can open, and a person's own client is often a 1.x."""

MONEY = "decimal(12, 2)"
TABLES: Mapping[str, Mapping[str, str]] = {
    "raw_orders": {
        "order_id": "bigint",
        "customer_id": "bigint",
        "ordered_at": "timestamp",
        "cancels_order_id": "bigint",
    },
    "raw_order_lines": {
        "order_id": "bigint",
        "line_number": "integer",
        "product_id": "integer",
        "quantity": "integer",
        "amount": MONEY,
    },
    "raw_products": {
        "product_id": "integer",
        "product_name": "varchar",
        "category": "varchar",
        "list_price": MONEY,
    },
    "raw_customers": {
        "customer_id": "bigint",
        "registered_on": "date",
        "country": "varchar",
        "age_band": "varchar",
        "newsletter": "boolean",
    },
    "demo_customer_truth": {
        "customer_id": "bigint",
        "customer_type": "varchar",
        "second_customer_type": "varchar",
        "second_share": "double",
    },
}


@dataclass(frozen=True)
class WrittenShop:
    """Where the demo is and what is in it.

    rows: table → number of rows; kept: files of the project that somebody had changed, and that were left so
    """

    directory: Path
    database: Path
    rows: Mapping[str, int]
    kept: tuple[Path, ...]


def write_shop(
    directory: Path, *, customers: int = DEFAULT_CUSTOMERS, seed: int = DEFAULT_SEED
) -> WrittenShop:
    """Make `directory` a dbt project with a shop of so many customers, ready for `warehouse-seg run`.

    Raises UsageError, before anything is written, for a directory that holds something else, for a database that
    another program has open, and for a number of customers or a seed that makes no shop.
    """
    _refuse_foreign(directory)
    _refuse_open(directory / DATABASE)
    shop = generate_shop(customers, seed)
    directory.mkdir(parents=True, exist_ok=True)
    recorded = _read_record(directory)
    # From here on the directory is known as a demo, even if the rest is interrupted.
    _write_record(directory, {**recorded, "customers": customers, "seed": seed})
    kept = _write_project(directory, recorded.get("files", {}))
    files = {
        name: _fingerprint(content)
        for name, content in _project_files().items()
        if directory / name not in kept
    }
    _write_database(directory / DATABASE, shop)
    _write_record(directory, {"customers": customers, "seed": seed, "files": files})
    return WrittenShop(
        directory=directory,
        database=directory / DATABASE,
        rows={name: len(frame) for name, frame in shop.tables().items()},
        kept=kept,
    )


# ------------------------------------------------------------------------------------- may we write here?


def _refuse_foreign(directory: Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise UsageError(f"found a file at {directory}, needed a directory. Name another one")
    if any(directory.iterdir()) and not (directory / RECORD).is_file():
        raise UsageError(
            f"{directory} is not empty and holds no demo ({RECORD} is missing); nothing was changed. "
            "Name a new or empty directory, or an earlier demo"
        )


def _refuse_open(database: Path) -> None:
    """Raise UsageError, with the other program's name, while somebody has the database open.

    Opening it also takes up the log of a program that was killed, which would be replayed into the new database.
    """
    if database.exists():
        with connect(database, patience=1.0):
            pass


# ------------------------------------------------------------------------------------- the project's files


def _project_files() -> dict[str, bytes]:
    """Path inside the project → content."""
    made_by_dbt = {"target", "logs", "dbt_packages"}
    paths = {path.relative_to(PROJECT_FILES): path for path in sorted(PROJECT_FILES.rglob("*"))}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in paths.items()
        if path.is_file() and not made_by_dbt & {*name.parts}
    }


def _write_project(directory: Path, recorded: Mapping[str, str]) -> tuple[Path, ...]:
    """Write every file that nobody has changed; the others."""
    kept = []
    for name, content in _project_files().items():
        path = directory / name
        ours = {recorded.get(name), _fingerprint(content)}
        if path.exists() and _fingerprint(path.read_bytes()) not in ours:
            kept.append(path)
        else:
            _write_whole(path, content)
    return tuple(kept)


def _fingerprint(content: bytes) -> str:
    return sha256(content).hexdigest()


def _read_record(directory: Path) -> dict[str, Any]:
    path = directory / RECORD
    record: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return record


def _write_record(directory: Path, record: Mapping[str, Any]) -> None:
    _write_whole(directory / RECORD, (json.dumps(record, indent=2) + "\n").encode())


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


# ------------------------------------------------------------------------------------- the database


def _write_database(database: Path, shop: Shop) -> None:
    folder = database.with_name(".loading")
    shutil.rmtree(folder, ignore_errors=True)  # left by a program that was killed
    folder.mkdir()
    try:
        fresh = folder / DATABASE
        _load(fresh, shop)
        fresh.replace(database)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load(fresh: Path, shop: Shop) -> None:
    # Attached to a scratch database: only `attach` takes a storage version.
    with connect(fresh.with_name("scratch.duckdb")) as warehouse:
        place = render("seg_literal", str(fresh), warehouse.dialect)
        warehouse.execute(f"attach {place} as fresh (storage_version '{STORAGE_VERSION}')")
        warehouse.execute(f"create schema fresh.{SCHEMA}")
        for name, frame in shop.tables().items():
            warehouse.offer("frame", frame)
            statement = render_statement(
                "demo_table",
                table=f"fresh.{SCHEMA}.{name}",
                columns=TABLES[name],
                frame="frame",
            )
            warehouse.execute(statement)
        warehouse.execute("detach fresh")
