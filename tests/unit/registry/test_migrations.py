"""An older registry is read as it is and upgraded by the first write; a newer one is refused; a kill harms neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.unit.registry.test_store import a_model, in_memory, registry_in
from warehouse_seg.errors import UsageError
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import ADDED_COLUMNS, SCHEMA_TABLE, SCHEMA_VERSION, TABLES
from warehouse_seg.warehouse.connection import Warehouse

ADDED = [(table, column) for table, columns in ADDED_COLUMNS.items() for column in sorted(columns)]
LOST = [
    ("seg_models", "fingerprint"),
    ("seg_models", "n_components"),
    ("seg_model_features", "transform"),
    ("seg_model_components", "mean"),
    ("seg_model_categories", "category"),
    ("seg_model_candidates", "reason"),
    ("seg_model_activations", "activated_at"),
]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with in_memory() as warehouse:
        registry = registry_in(warehouse)
        registry.publish(a_model())
        registry.activate(1, "fit", "", expected=None)
        yield registry


def columns(registry: Registry) -> dict[str, list[str]]:
    rows = registry.warehouse.rows(
        "select table_name, list(column_name order by column_name) as names "
        "from information_schema.columns where table_schema = 'registry' group by all"
    )
    return {row["table_name"]: row["names"] for row in rows}


def versions(registry: Registry) -> list[int]:
    rows = registry.warehouse.rows(f"select schema_version from registry.{SCHEMA_TABLE}")
    return [row["schema_version"] for row in rows]


def make_old(registry: Registry) -> None:
    """As the first release left it."""
    for table, column in ADDED:
        registry.warehouse.execute(f"alter table registry.{table} drop column {column}")
    registry.warehouse.execute(f"drop table registry.{SCHEMA_TABLE}")
    registry.warehouse.execute("drop table registry.seg_model_segment_matches")


def test_a_new_registry_says_its_version_once(registry: Registry) -> None:
    registry.publish(a_model(1))
    assert versions(registry) == [SCHEMA_VERSION]


@pytest.mark.parametrize(("table", "column"), ADDED)
def test_each_added_column_may_lack_and_comes_with_the_next_write(
    registry: Registry, table: str, column: str
) -> None:
    before = columns(registry)
    registry.warehouse.execute(f"alter table registry.{table} drop column {column}")
    assert registry.read(1).fingerprint == a_model().fingerprint
    assert columns(registry) != before, "reading writes nothing"

    registry.activate(1, "activate", "", expected=1)

    assert columns(registry) == before


def test_a_registry_of_the_first_release_is_read_and_upgraded(registry: Registry) -> None:
    today = columns(registry)
    make_old(registry)
    old = columns(registry)
    assert registry.read(1).fingerprint == a_model().fingerprint
    assert [row["recommendation"] for row in registry.models()] == [None]
    assert registry.active_version() == 1
    assert columns(registry) == old, "reading writes nothing"

    registry.publish(a_model(1))

    assert columns(registry) == today
    assert versions(registry) == [SCHEMA_VERSION]
    assert registry.read(1).fingerprint == a_model().fingerprint
    assert registry.read(2) == a_model(1).model_copy(update={"model_version": 2})


@pytest.mark.parametrize(("table", "column"), LOST)
def test_a_lost_column_is_damage_and_nothing_is_written(
    registry: Registry, table: str, column: str
) -> None:
    registry.warehouse.execute(f"alter table registry.{table} drop column {column}")
    before = columns(registry)
    with pytest.raises(UsageError, match=rf"{table}\"? has no column {column}.*damaged") as caught:
        registry.publish(a_model(1))
    assert "\n" not in str(caught.value)
    assert columns(registry) == before


READS_AND_WRITES: dict[str, Callable[[Registry], object]] = {
    "publish": lambda registry: registry.publish(a_model(1)),
    "activate": lambda registry: registry.activate(1, "activate", "", expected=1),
    "what every command asks first": lambda registry: registry.require_known_schema(),
}


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99])
@pytest.mark.parametrize("act", READS_AND_WRITES.values(), ids=READS_AND_WRITES)
def test_a_newer_registry_is_refused(
    registry: Registry, act: Callable[[Registry], object], version: int
) -> None:
    registry.warehouse.execute(
        f"insert into registry.{SCHEMA_TABLE} values ({version}, now()::timestamp, '9.0.0')"
    )
    with pytest.raises(UsageError, match=rf"schema version {version}.*pip install -U") as caught:
        act(registry)
    assert "\n" not in str(caught.value)
    assert [row["model_version"] for row in registry.models()] == [1]
    assert len(registry.activations()) == 1


@pytest.mark.parametrize(
    "rows",
    ["(1, null, null)", "(2, null, null)", "(null, null, null)", "(2, null, 'x'), (1, null, 'y')"],
)
def test_a_registry_of_this_or_an_earlier_version_is_taken(registry: Registry, rows: str) -> None:
    registry.warehouse.execute(f"delete from registry.{SCHEMA_TABLE}")
    registry.warehouse.execute(f"insert into registry.{SCHEMA_TABLE} values {rows}")
    registry.require_known_schema()
    assert registry.publish(a_model(1)).model_version == 2
    assert max(version or 0 for version in versions(registry)) == SCHEMA_VERSION


def test_a_dbt_package_that_does_not_know_the_table_goes_without_it() -> None:
    with in_memory() as warehouse:
        registry = Registry(warehouse, {name: f"registry.{name}" for name in TABLES}, "registry")
        assert registry.publish(a_model()).model_version == 1
        assert SCHEMA_TABLE not in columns(registry)


class Killed(BaseException):
    """What a kill is to the statement that it interrupts: nobody catches it."""


class Mortal(Warehouse):
    """A warehouse whose program is killed at one of its statements, before or after the engine did it."""

    def __init__(self, warehouse: Warehouse, statement: int, *, after: bool) -> None:
        super().__init__(warehouse._client)
        self._left, self._after = statement, after

    def execute(self, sql: str) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        super().execute(sql)
        if self._left == 0:
            raise Killed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_statement_of_an_upgrade_is_made_good_by_the_next_write(
    registry: Registry, after: bool
) -> None:
    today = columns(registry)
    kills = 0
    while True:
        make_old(registry)
        mortal = registry_in(Mortal(registry.warehouse, kills + 1, after=after))
        try:
            mortal.publish(a_model(1))
        except Killed:
            kills += 1
        else:
            break
        assert registry.read(1).fingerprint == a_model().fingerprint
        assert registry.active_version() == 1
        version = registry.publish(a_model(2)).model_version
        assert registry.read(version).fingerprint == a_model(2).fingerprint
        assert columns(registry) == today
        assert versions(registry) == [SCHEMA_VERSION]
    assert kills > len(ADDED), "each column is a statement"
