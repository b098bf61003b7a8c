"""A registry row that is not what it should be stops the build at the scores, and none of it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.corrupt_registry_rows import CORRUPTIONS, corrupting, set_exact
from tests.small_shop import Shop, Stages
from warehouse_seg.registry.tables import TABLES

# Every case is a version of its own, scored by a model of its own: one call of dbt for all of them.
VERSIONS = {name: 100 + number for number, name in enumerate(CORRUPTIONS)}
INTACT = 99
GOOD = ("success", "pass", "skipped")
MODEL = """
-- depends_on: {{{{ ref('seg_customer_features') }}}}
{{% if execute %}}
{{{{ seg_mixture_scores(
    seg_stored_model({version}), ref('seg_customer_features'), ['customer_id', 'as_of_date'], target.type
) }}}}
{{% endif %}}
"""


@pytest.fixture(scope="module")
def shop(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Version 1 corrupted in all ways, each as another version, and one copy of it left intact; built by dbt."""
    shop = stages.scored().copy(tmp_path_factory.mktemp("corrupted") / "shop")
    shop.execute(
        *copies_of_version_1(),
        *(corrupting(CORRUPTIONS[n], "main", v) for n, v in VERSIONS.items()),
    )
    # The package's macros see each other in the package's own models only.
    package = shop.own_package()
    for version in (INTACT, *VERSIONS.values()):
        (package / "models" / f"scores_of_{version}.sql").write_text(MODEL.format(version=version))
    assert shop.dbt("build", "--select", "scores_of_*").exit_code == 1
    return shop


def copies_of_version_1() -> Iterator[str]:
    for version in (INTACT, *VERSIONS.values()):
        for table in set(TABLES) - {"seg_model_activations"}:
            copied = f"select * replace ({version} as model_version) from {table} where model_version = 1"
            yield f"insert into {table} {copied}"


@pytest.fixture(scope="module")
def results(shop: Shop) -> dict[str, tuple[str, str]]:
    """Model → status and message."""
    content = json.loads((shop.folder / "target" / "run_results.json").read_text())
    return {r["unique_id"].split(".")[-1]: (r["status"], r["message"]) for r in content["results"]}


def test_a_copy_that_nobody_corrupt_is_scored(
    shop: Shop, results: dict[str, tuple[str, str]]
) -> None:
    status, message = results[f"scores_of_{INTACT}"]
    assert status == "success", message
    columns = "customer_id, membership_s1, log_density"
    assert shop.rows(f"select {columns} from scores_of_{INTACT} order by all") == shop.rows(
        f"select {columns} from seg_customer_scores order by all"
    )


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_dbt_stops_with_one_clear_error(
    shop: Shop, results: dict[str, tuple[str, str]], name: str
) -> None:
    version = VERSIONS[name]
    status, message = results[f"scores_of_{version}"]
    assert status == "error"
    assert f"model version {version} in the registry cannot be used: " in message
    assert "`warehouse-seg activate N`" in message
    assert not shop.rows(f"from information_schema.tables where table_name = 'scores_of_{version}'")


def test_nothing_of_it_was_run(shop: Shop) -> None:
    assert shop.rows("select count(*) > 0 from raw.order_lines") == [(True,)]


def test_a_build_stops_at_the_scores_and_leaves_the_tables_as_they_were(scored_shop: Shop) -> None:
    before = scored_shop.segments()
    harm = set_exact("seg_model_features", "center", "1e0) or 1=1")
    scored_shop.execute(corrupting(harm, "main", 1))

    done = scored_shop.dbt("build")

    assert done.exit_code == 1
    content = json.loads((scored_shop.folder / "target" / "run_results.json").read_text())
    failed = [r for r in content["results"] if r["status"] not in GOOD]
    assert [r["unique_id"] for r in failed] == ["model.warehouse_seg.seg_customer_scores"]
    assert "'1e0) or 1=1' is not a number" in failed[0]["message"]
    assert scored_shop.segments() == before


def test_a_lost_table_is_named(scored_shop: Shop) -> None:
    scored_shop.execute("drop table seg_model_components")
    done = scored_shop.dbt("build", "--select", "seg_customer_scores")
    assert done.exit_code == 1
    assert "the table seg_model_components is missing" in done.stderr
