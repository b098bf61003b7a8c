"""What is published is what is read back, and one row decides what is active."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corrupt_registry_rows import CORRUPTIONS, corrupting
from warehouse_seg.errors import UsageError
from warehouse_seg.model.component import Component
from warehouse_seg.model.exponent_text import exponent_text
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.segment_matching import SegmentMatch, SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import Candidate, Training
from warehouse_seg.registry.relations import COLUMNS
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import TABLES
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

pytestmark = pytest.mark.both_duckdb

AWKWARD_TEXT = 'it\'s "quoted", 100 %;\n-- second line\tünï 日本 \\ {{ not_jinja }} $1'


def registry_in(warehouse: Warehouse, schema: str = "registry") -> Registry:
    return Registry(warehouse, {name: f'"{schema}"."{name}"' for name in COLUMNS}, f'"{schema}"')


def in_memory() -> Warehouse:
    """Two threads for a handful of rows would only wait for each other."""
    return Warehouse(DuckDB(duckdb.connect(config={"threads": 1})))


@pytest.fixture
def registry() -> Iterator[Registry]:
    with in_memory() as warehouse:
        yield registry_in(warehouse)


@cache
def a_model(seed: int = 0, size: int = 3, segments: int = 2) -> SegmentModel:
    """A model whose every number is random, so that two seeds have no number in common."""
    random_numbers = np.random.default_rng(seed)
    shapes = random_numbers.standard_normal((segments, size, size))
    weights = random_numbers.dirichlet(np.ones(segments))
    return SegmentModel(
        covariance_type="full",
        features=tuple(
            Feature(
                feature=f"feature {position} of {seed}",
                transform="log",
                clip_low=float(random_numbers.uniform(0.1, 0.2)),
                median=float(random_numbers.standard_normal()),
                center=float(random_numbers.standard_normal()),
                scale=float(random_numbers.uniform(0.1, 3)),
                quantiles={"0.5": float(random_numbers.standard_normal())},
            )
            for position in range(size)
        ),
        components=tuple(
            Component.from_covariance(
                f"s{k + 1}",
                float(weights[k]),
                random_numbers.standard_normal(size),
                shapes[k] @ shapes[k].T + np.eye(size),
                name=AWKWARD_TEXT.split("\\", maxsplit=1)[0].replace("\n", " ").replace("\t", " "),
            )
            for k in range(segments)
        ),
        categories=(Category(category=AWKWARD_TEXT, column_suffix="awkward"),),
        outlier_log_density=float(random_numbers.uniform(-20, -10)),
        training=Training(
            created_at="2026-06-30T12:34:56",
            population_rows=12_345,
            sample_rows=1_234,
            seed=7,
            bic=float(random_numbers.standard_normal() * 1e5),
            aic=1 / 3,
            as_of_date="2026-06-30",
            software={"python": "3.11", "awkward": AWKWARD_TEXT},
            notes=AWKWARD_TEXT,
        ),
        candidates=(
            Candidate(
                n_components=segments,
                covariance_type="full",
                log_likelihood=-1e5 / 3,
                bic=2e5 / 3,
                aic=None,
                smallest_eigenvalue=1e-300,
                smallest_weight=0.1,
                mean_top_membership=None,
                converged=True,
                status="chosen",
                reason=AWKWARD_TEXT,
            ),
        ),
    )


def test_a_model_reads_back_equal_to_the_last_bit(registry: Registry) -> None:
    published = registry.publish(a_model())
    assert registry.read(1) == published
    assert registry.read(1).fingerprint == a_model().fingerprint


def test_a_model_with_nothing_but_its_numbers_reads_back_equal(registry: Registry) -> None:
    """As `from_sklearn` makes it: no candidates, no categories, not a word on where it comes from."""
    bare = a_model().model_copy(update={"candidates": (), "categories": (), "training": Training()})
    assert registry.read(registry.publish(bare).model_version) == bare


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_has_a_text_that_reads_back_equal(number: float) -> None:
    assert float(exponent_text(number)).hex() == number.hex()


@pytest.mark.parametrize(
    "center",
    [0.1, -1 / 3, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, 1e22, 1e23, 123456789.123456789],
)
def test_awkward_doubles_survive_the_registry(registry: Registry, center: float) -> None:
    first = a_model().features[0].model_copy(update={"center": center})
    model = a_model().model_copy(update={"features": (first, *a_model().features[1:])})
    registry.publish(model)
    assert registry.read(1).features[0].center.hex() == center.hex()
    query = "select center from registry.seg_model_features order by position"
    assert registry.warehouse.rows(query)[0]["center"].hex() == center.hex()


def test_a_matching_reads_back_under_the_number_that_the_version_got(registry: Registry) -> None:
    matches = (
        SegmentMatch(
            "kept",
            "s1",
            "s1",
            customers=70,
            share_of_previous=1 / 3,
            share_of_segment=0.7,
            affinity=0.1,
        ),
        SegmentMatch(
            "new",
            "s3",
            None,
            customers=5,
            share_of_previous=0.1,
            share_of_segment=0.2,
            affinity=None,
        ),
        SegmentMatch(
            "retired",
            None,
            "s2",
            customers=9,
            share_of_previous=0.2,
            share_of_segment=0.3,
            affinity=None,
        ),
    )
    matching = SegmentMatching(
        a_model(), 1, matches, kept_share=2 / 3, kept_shares={"s1": 1 / 3, "s2": 0.0}
    )
    registry.publish(a_model())
    assert registry.segment_matches() == []
    registry.publish(a_model(1), matching)
    expected = [
        {"model_version": 2, "previous_model_version": 1, **asdict(match), "kept_share": 2 / 3}
        for match in matches
    ]
    assert sorted(registry.segment_matches(), key=lambda row: row["verdict"]) == expected
    registry.publish(a_model(2), matching)
    assert [row["model_version"] for row in registry.segment_matches()] == [3, 3, 3, 2, 2, 2]


def test_publishing_activates_nothing(registry: Registry) -> None:
    registry.publish(a_model())
    assert registry.active_version() is None


def test_the_greatest_activation_is_the_active_model(registry: Registry) -> None:
    for seed in range(3):
        registry.publish(a_model(seed))
    registry.activate(2, "fit", "", expected=None)
    registry.activate(3, "fit", "", expected=2)
    registry.activate(1, "rollback", AWKWARD_TEXT, expected=3)
    assert registry.active_version() == 1
    history = registry.activations()
    assert [row["activation"] for row in history] == [3, 2, 1]
    assert [row["model_version"] for row in history] == [1, 3, 2]
    assert history[0]["reason"] == AWKWARD_TEXT


def test_the_latest_of_two_equal_activations_is_the_active_model(registry: Registry) -> None:
    """Without a file lock two programs can take one number; dbt's macro and Python break the tie alike."""
    for seed in range(2):
        registry.publish(a_model(seed))
    registry.activate(1, "activate", "", expected=None)
    registry.warehouse.execute(
        "insert into registry.seg_model_activations values (1, 2, timestamp '2000-01-01', 'activate', '')"
    )
    assert registry.active_version() == 1


def test_a_changed_active_version_is_not_overruled(registry: Registry) -> None:
    for seed in range(2):
        registry.publish(a_model(seed))
    registry.activate(1, "fit", "", expected=None)
    with pytest.raises(UsageError, match=r"version 1 active \(it was None\).*activate 2"):
        registry.activate(2, "fit", "", expected=None)
    assert registry.active_version() == 1


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_version_that_is_not_stored_is_not_activated(registry: Registry, version: int) -> None:
    registry.publish(a_model())
    with pytest.raises(UsageError, match=r"stored versions: \[1\]"):
        registry.activate(version, "activate", "", expected=None)
    assert not registry.activations()


def test_nothing_is_there_before_the_first_fit(registry: Registry) -> None:
    assert registry.active_version() is None
    assert registry.models() == []
    with pytest.raises(UsageError, match="stored versions: none"):
        registry.read(1)


@pytest.mark.parametrize("table", TABLES)
def test_a_number_in_any_table_is_never_used_again(registry: Registry, table: str) -> None:
    """What a killed fit left behind, in whichever table it came to."""
    registry.publish(a_model())
    registry.warehouse.execute(f"insert into registry.{table} (model_version) values (41)")
    assert registry.publish(a_model(1)).model_version == 42


@pytest.mark.parametrize("made", range(len(TABLES)))
def test_a_half_made_registry_is_an_empty_one(registry: Registry, made: int) -> None:
    """A first fit that was killed between two `create table`."""
    finished = registry_in(registry.warehouse, "finished")
    finished.publish(a_model())
    registry.warehouse.execute("create schema registry")
    for name in list(TABLES)[:made]:
        registry.warehouse.execute(
            f"create table registry.{name} as from finished.{name} where false"
        )
    assert registry.active_version() is None
    assert registry.models() == []
    registry.publish(a_model())
    registry.activate(1, "fit", "", expected=None)
    assert registry.read(1) == a_model()


COLUMNS_OF_TODAY = [
    ("seg_models", "warnings"),
    ("seg_models", "population_iterations"),
    ("seg_model_features", "point_masses"),
    ("seg_model_features", "resolution"),
    ("seg_model_candidates", "status"),
    ("seg_model_candidates", "search_failures"),
]


@pytest.mark.parametrize(("table", "column"), COLUMNS_OF_TODAY)
def test_an_older_registry_is_read_and_gets_the_columns_that_it_lacks(
    registry: Registry, table: str, column: str
) -> None:
    registry.publish(a_model())
    registry.activate(1, "fit", "", expected=None)
    registry.warehouse.execute(f"alter table registry.{table} drop column {column}")
    assert registry.read(1).fingerprint == a_model().fingerprint
    assert registry.warnings(1) == []

    registry.publish(a_model(1))

    assert registry.read(2) == a_model(1).model_copy(update={"model_version": 2})
    assert registry.read(1).fingerprint == a_model().fingerprint


@pytest.mark.parametrize(
    "table", sorted(set(TABLES) - {"seg_model_activations", "seg_model_candidates"})
)
def test_a_lost_table_is_not_taken_for_a_new_registry(registry: Registry, table: str) -> None:
    registry.publish(a_model())
    registry.activate(1, "fit", "", expected=None)
    registry.warehouse.execute(f"drop table registry.{table}")
    assert registry.active_version() == 1
    # A model without categories, or without a version before it, is one, too.
    if table not in ("seg_model_categories", "seg_model_segment_matches"):
        with pytest.raises(UsageError, match="model version 1"):
            registry.read(1)


@pytest.mark.parametrize("harm", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_rows_that_are_no_model_are_refused(registry: Registry, harm: str) -> None:
    registry.publish(a_model())
    registry.activate(1, "fit", "", expected=None)
    assert registry.read(1) == a_model()
    registry.warehouse.execute(corrupting(harm, "registry", 1))
    with pytest.raises(UsageError, match="model version 1") as caught:
        registry.read(1)
    assert "\n" not in str(caught.value)


def test_the_rows_hold_numbers_and_names_only(registry: Registry) -> None:
    """No SQL in the registry: what its JSON columns hold are numbers with exponents."""
    registry.publish(a_model())
    (row, *_) = registry.warehouse.rows(
        "select mean, exact_values from registry.seg_model_components"
    )
    for text in (*json.loads(row["mean"]), *json.loads(row["exact_values"]).values()):
        assert exponent_text(float(text)) == text


# ------------------------------------------------------------------------- two fits on an engine without a file lock


class TurnTaking(Warehouse):
    """A warehouse whose every statement waits for its turn."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, wait: Callable[[], None]) -> None:
        super().__init__(DuckDB(connection))
        self._wait = wait

    def execute(self, sql: str) -> None:
        self._wait()
        super().execute(sql)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        self._wait()
        return super().rows(sql)


class EMResult(threading.Thread):
    """The writing half of a fit, one statement a turn. Ends with `version`, or with what it was refused for."""

    version: int | None = None
    refusal: UsageError | None = None

    def __init__(self, database: duckdb.DuckDBPyConnection, model: SegmentModel) -> None:
        super().__init__(daemon=True)
        self._turn, self._handed_back = threading.Semaphore(0), threading.Semaphore(0)
        self._registry = registry_in(TurnTaking(database.cursor(), self._wait))
        self._model = model
        self.start()
        self._handed_back.acquire()

    def run(self) -> None:
        try:
            version = self._registry.publish(self._model).model_version
            self._registry.activate(version, "fit", "", expected=1)
            self.version = version
        except UsageError as refusal:
            self.refusal = refusal
        self._handed_back.release()

    def take_turn(self) -> None:
        self._turn.release()
        self._handed_back.acquire()

    def _wait(self) -> None:
        self._handed_back.release()
        self._turn.acquire()

    @property
    def is_done(self) -> bool:
        return self.version is not None or self.refusal is not None


def fit_inside_another(registry: Registry, statements: int) -> list[EMResult]:
    """A fit that pauses after so many statements while another one does all of its own.

    Both began when version 1 was active.
    """
    registry.publish(a_model())
    registry.activate(1, "fit", "", expected=None)
    client = registry.warehouse._client
    assert isinstance(client, DuckDB)
    fits = [EMResult(client.connection, a_model(seed)) for seed in (1, 2)]
    paused, other = fits
    for _ in range(statements):
        if not paused.is_done:
            paused.take_turn()
    for fit in (other, paused):
        while not fit.is_done:
            fit.take_turn()
    return fits


def is_sound(registry: Registry, fits: list[EMResult]) -> bool:
    """Whether the active model is whole, and one that a fit was told is active (or the old one)."""
    active = registry.active_version()
    assert active is not None
    try:
        fingerprint = registry.read(active).fingerprint
    except UsageError:
        return False
    expected = {1: a_model().fingerprint}
    expected |= {fit.version: fit._model.fingerprint for fit in fits if fit.version}
    return expected.get(active) == fingerprint


PAUSES = range(60)
"""A publication and its activation are fewer statements than these."""


@pytest.mark.parametrize("statements", PAUSES)
def test_two_fits_at_once_harm_neither_each_other_nor_the_active_model(
    registry: Registry, statements: int
) -> None:
    fits = fit_inside_another(registry, statements)
    assert is_sound(registry, fits)
    assert registry.read(1) == a_model()
    assert all(fit.version or "version" in str(fit.refusal) for fit in fits)
    assert len([fit for fit in fits if fit.version]) == 1
    taken = max(row["model_version"] for row in registry.models())
    assert registry.publish(a_model(3)).model_version > taken


def test_the_pauses_do_reach_every_statement(registry: Registry) -> None:
    paused, _ = fit_inside_another(registry, max(PAUSES))
    assert paused.version, "it came to its end before the other began"


def is_harmed(statements: int) -> bool:
    with in_memory() as warehouse:
        registry = registry_in(warehouse)
        return not is_sound(registry, fit_inside_another(registry, statements))


def test_without_the_check_two_fits_would_do_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "_refuse_foreign_rows", lambda *_: None)
    assert any(map(is_harmed, PAUSES))
