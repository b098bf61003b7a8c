"""The same customers and the same seed are the same model and the same SQL, to the last byte.

Whatever may differ from one machine and one day to the next: threads of DuckDB, of dbt and of the arithmetic libraries,
and the order in which the rows happen to lie in the table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from threadpoolctl import threadpool_info, threadpool_limits

from tests.small_shop import CREDENTIALS, DATABASE, Shop, Stages
from warehouse_seg.features.sample import Sample
from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.search import search
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import TABLES
from warehouse_seg.settings import FeatureChoice, settings_from
from warehouse_seg.warehouse.connection import Warehouse, connect
from warehouse_seg.warehouse.duckdb import DuckDB

LIBRARY_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)
COMPILED = Path("target/compiled/warehouse_seg/models/scoring/seg_customer_scores.sql")
THREE_SHAPES = {
    "segments": {"min": 2, "max": 3},
    "covariance": ["full", "tied"],
    "min_segment_share": 0.0,
}


@dataclass(frozen=True)
class Result:
    model: SegmentModel
    compiled: bytes
    segments: list[tuple[Any, ...]]


RUN_WITH_ONE_THREAD = """
import sys
from functools import partial
import duckdb
from warehouse_seg.cli import app as cli
from warehouse_seg.warehouse import connection as warehouse

warehouse.duckdb.connect = partial(duckdb.connect, config={"threads": 1})
sys.argv = ["warehouse-seg", "run"]
cli.main()
"""


def run_with_one_thread(shop: Shop) -> None:
    """The whole job, with one thread for DuckDB, for dbt and for each arithmetic library."""
    output = CREDENTIALS | {"threads": 1, "config_options": {"threads": 1}}
    profile = {"small_shop": {"target": "dev", "outputs": {"dev": output}}}
    (shop.folder / "profiles.yml").write_text(json.dumps(profile))
    done = subprocess.run(
        [sys.executable, "-c", RUN_WITH_ONE_THREAD],
        cwd=shop.folder,
        env=os.environ | dict.fromkeys(LIBRARY_THREADS, "1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def result_of(shop: Shop) -> Result:
    with connect(shop.folder / DATABASE, read_only=True) as warehouse:
        model = Registry(warehouse, {name: name for name in TABLES}, "main").read(1)
    return Result(model, (shop.folder / COMPILED).read_bytes(), shop.segments())


@pytest.fixture(scope="module")
def results(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Two threads and more, and the rows as they came; one thread, and the rows in another order."""
    shop = stages.installed().copy(tmp_path_factory.mktemp("repeatable") / "shop")
    shop.execute(
        "create or replace table raw.order_lines as from raw.order_lines order by md5(order_id::text)"
    )
    run_with_one_thread(shop)
    return [result_of(stages.scored()), result_of(shop)]


def test_the_same_customers_give_the_same_model(results: list[Result]) -> None:
    first, second = results
    assert first.model.fingerprint == second.model.fingerprint
    assert first.model.candidates == second.model.candidates
    assert first.model.training.bic == second.model.training.bic


def test_the_sql_that_dbt_compiles_is_the_same_to_the_byte(results: list[Result]) -> None:
    first, second = results
    assert first.compiled == second.compiled
    assert b"membership_s1" in first.compiled


def test_every_customer_gets_the_same_segment_and_membership(results: list[Result]) -> None:
    first, second = results
    assert first.segments == second.segments
    assert len(first.segments) > 1000


def test_the_sample_does_not_depend_on_threads_or_the_order_of_rows() -> None:
    """More customers than DuckDB gives to one thread."""
    query = sample_sql("from customers", ["recency_days"], 1000, seed=1)
    samples = []
    for threads, order in ((1, "i"), (2, "i desc"), (4, "md5(i::text)")):
        connection = duckdb.connect(config={"threads": threads})
        connection.execute(
            "create table customers as select i as customer_id, date '2026-01-01' as as_of_date, "
            f"i % 977 as recency_days from range(300_000) as numbers(i) order by {order}"
        )
        with Warehouse(DuckDB(connection)) as warehouse:
            samples.append(warehouse.rows(query))
    assert len(samples[0]) == 1000
    assert samples[0] == samples[1] == samples[2]


def test_a_search_runs_with_one_thread_of_each_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums in two threads are other sums than in one, in their last bits."""
    seen = []

    def watched(*given: Any, **options: Any) -> Any:
        blas = [
            library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
        ]
        seen.append([_openmp_effective_n_threads(), *blas])
        return search(*given, **options)

    monkeypatch.setattr("warehouse_seg.mixture.candidates.search", watched)
    values = np.random.default_rng(1).standard_normal((200, 2))
    settings = settings_from({"feature_table": "customers", "model": THREE_SHAPES}).model
    columns = {"one": values[:, 0], "two": values[:, 1]}
    with threadpool_limits(4):
        fit_model(Sample(columns, 200), [FeatureChoice(name=name) for name in columns], settings)
    assert {count for counts in seen for count in counts} == {1}
