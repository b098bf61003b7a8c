"""A later fit continues the active model: its features, its shape, its keys; what changes too much is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.shop_fixtures import Command, set_effective
from tests.small_shop import DATABASE, Shop
from warehouse_seg.mixture.population_em import Population
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import TABLES
from warehouse_seg.warehouse.connection import connect

OTHERS = {
    "features": [{"name": "category_entropy"}, {"name": "tenure_days"}],
    "covariance": ["diag"],
}
"""Features that put the shop's customers together otherwise than the default ones."""


def matching(command: Command, shop: Shop) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(command(shop, "models", "--json").out)[
        "segment_matches"
    ]
    return rows


def stored(shop: Shop) -> list[tuple[Any, ...]]:
    """Everything that the registry holds, by table."""
    tables = shop.rows(
        "select table_name from information_schema.tables where table_name like 'seg_model%' order by 1"
    )
    return [(name, *shop.rows(f"from {name} order by all")) for (name,) in tables]


def keys(shop: Shop, version: int) -> set[str]:
    components = shop.rows(
        f"select segment_key from seg_model_components where model_version = {version}"
    )
    return {key for (key,) in components}


def test_a_later_fit_is_a_refit(command: Command, scored_shop: Shop) -> None:
    # A new best-seller is no reason for other columns: the version's own categories are read.
    scored_shop.execute(
        "insert into seg_customer_category_spend "
        "select * replace ('Calendars' as category, 1e6 as spend) from seg_customer_category_spend"
    )
    done = command(scored_shop, "fit", "--verbose")
    assert done.exit_code == 0, done.err
    assert "features of version 1: " in done.err
    assert "100.0% of 1,500 customers keep their segment" in done.err
    columns = "feature, transform, clip_low, clip_high, median, center, scale"
    for of_version in (
        f"select {columns} from seg_model_features where model_version = {{}} order by position",
        "select category, column_suffix from seg_model_categories where model_version = {} order by position",
    ):
        assert scored_shop.rows(of_version.format(2)) == scored_shop.rows(of_version.format(1))
    assert scored_shop.rows(
        "select reason, status from seg_model_candidates where model_version = 2"
    ) == [("refit of version 1", "chosen")]
    assert keys(scored_shop, 2) == keys(scored_shop, 1)
    rows = matching(command, scored_shop)
    assert {row["segment_key"] for row in rows} == keys(scored_shop, 1)
    for row in rows:
        assert (row["model_version"], row["previous_model_version"]) == (2, 1)
        assert (row["verdict"], row["previous_segment_key"]) == ("kept", row["segment_key"])
        assert row["affinity"] > 0.99
        assert row["kept_share"] == 1
    assert sum(row["customers"] for row in rows) == 1500


def test_a_reselection_searches_all_shapes_and_takes_the_largest_categories(
    command: Command, scored_shop: Shop
) -> None:
    scored_shop.execute(
        "insert into seg_customer_category_spend "
        "select * replace ('Calendars' as category, 1e6 as spend) from seg_customer_category_spend"
    )
    done = command(scored_shop, "fit", "--reselect", "--accept-changes")
    assert done.exit_code == 0, done.err
    assert "features of version 1" not in done.err
    assert scored_shop.rows(
        "select count(*) from seg_model_categories where model_version = 2 and category = 'Calendars'"
    ) == [(1,)]
    assert scored_shop.rows(
        "select count(*) > 1 from seg_model_candidates where model_version = 2"
    ) == [(True,)]


def test_a_fit_that_moves_too_many_is_refused_until_it_is_accepted(
    command: Command, scored_shop: Shop
) -> None:
    set_effective(scored_shop, model=OTHERS)
    before = stored(scored_shop)

    done = command(scored_shop, "fit", "--json")

    assert done.exit_code == 3
    assert not done.out
    assert "`model.features` makes category_entropy, tenure_days; version 1 has" in done.err
    assert (
        "% of the customers would keep their segment, needed 80% (`model.min_kept_share`)"
        in done.err
    )
    assert "least of all those of s" in done.err
    assert "`warehouse-seg fit --accept-changes`" in done.err
    assert stored(scored_shop) == before

    done = command(scored_shop, "fit", "--accept-changes")

    assert done.exit_code == 0
    assert scored_shop.active_version() == 2
    rows = matching(command, scored_shop)
    # Other features: no Gaussian can be compared, only customers.
    assert {row["affinity"] for row in rows} == {None}
    assert {row["kept_share"] for row in rows} < {share / 1500 for share in range(1200)}


def test_a_refused_fit_makes_no_pass_for_the_population_density(
    command: Command, scored_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass over all customers comes after the gate that can refuse without it."""
    passes: list[int] = []
    log_density = Population.log_density

    def counted(population: Population, model: SegmentModel) -> float:
        passes.append(model.model_version)
        return log_density(population, model)

    monkeypatch.setattr(Population, "log_density", counted)
    set_effective(scored_shop, model=OTHERS)
    assert command(scored_shop, "fit").exit_code == 3
    assert not passes
    assert command(scored_shop, "fit", "--accept-changes").exit_code == 0
    assert len(passes) == 1


def test_a_lower_threshold_is_another_way_to_accept(command: Command, scored_shop: Shop) -> None:
    set_effective(scored_shop, model=OTHERS | {"min_kept_share": 0})
    assert command(scored_shop, "fit").exit_code == 0


def test_a_key_is_never_given_to_others(command: Command, scored_shop: Shop) -> None:
    """Refits, other features, the way back between them: who has a key had it before, or nobody ever had."""
    default = {"features": None, "covariance": ["full"]}
    series: list[tuple[dict[str, Any], list[str]]] = [
        (OTHERS, ["fit", "--accept-changes"]),
        (OTHERS, ["fit"]),
        (OTHERS, ["rollback"]),
        (OTHERS, ["activate", "1"]),
        (OTHERS, ["fit", "--accept-changes"]),
        (default, ["fit", "--reselect", "--accept-changes"]),
    ]
    for model, arguments in series:
        set_effective(scored_shop, model=model)
        done = command(scored_shop, *arguments)
        assert done.exit_code == 0, done.err
    rows = matching(command, scored_shop)
    before = {row["model_version"]: row["previous_model_version"] for row in rows}
    assert before == {2: 1, 3: 2, 4: 1, 5: 4}
    given = keys(scored_shop, 1)
    for version, previous in sorted(before.items()):
        fresh = keys(scored_shop, version) - keys(scored_shop, previous)
        assert not fresh & given
        given |= fresh
    assert keys(scored_shop, 3) == keys(scored_shop, 2)
    # Versions 2 and 4 both left version 1 for the same features, and did not come to the same new keys.
    strangers = [keys(scored_shop, version) - keys(scored_shop, 1) for version in (2, 4)]
    assert all(strangers)
    assert not strangers[0] & strangers[1]


def test_a_model_of_which_a_feature_is_gone_is_followed_by_strangers(
    command: Command, scored_shop: Shop
) -> None:
    """Nobody can be scored under both."""
    with connect(scored_shop.folder / DATABASE, read_only=True) as warehouse:
        model = Registry(warehouse, {name: name for name in TABLES}, "main").read(1)
    *others, last = model.features
    renamed = last.model_copy(update={"feature": "gone"})
    changed = model.model_copy(update={"features": (*others, renamed)})
    scored_shop.execute(
        f"update seg_model_features set feature = 'gone' where feature = '{last.feature}'",
        f"update seg_models set fingerprint = '{changed.fingerprint}'",
    )
    done = command(scored_shop, "fit")
    assert done.exit_code == 3
    assert "version 1 needs gone, which the features lack now" in done.err
    assert "0.0% of the customers would keep their segment" in done.err
    assert command(scored_shop, "fit", "--accept-changes").exit_code == 0
    assert not keys(scored_shop, 2) & keys(scored_shop, 1)


def test_a_registry_from_before_segment_matches_were_kept(
    command: Command, scored_shop: Shop
) -> None:
    scored_shop.execute("drop table seg_model_segment_matches")
    assert matching(command, scored_shop) == []
    assert command(scored_shop, "fit").exit_code == 0
    assert {row["model_version"] for row in matching(command, scored_shop)} == {2}


def test_a_model_that_replaces_an_unusable_one_has_keys_of_its_own(
    command: Command, scored_shop: Shop
) -> None:
    scored_shop.execute("update seg_model_components set mean = '[]'")
    done = command(scored_shop, "fit")
    assert done.exit_code == 0
    assert "every segment of this fit gets a new key" in done.err
    assert not keys(scored_shop, 2) & keys(scored_shop, 1)
    assert matching(command, scored_shop) == []


@pytest.mark.parametrize("arguments", [["--refit"], ["--reselect"]])
def test_a_first_fit_is_a_search_whatever_is_asked(
    command: Command, features_shop: Shop, arguments: list[str]
) -> None:
    done = command(features_shop, "fit", *arguments)
    assert done.exit_code == 0
    assert features_shop.rows("select count(*) > 1 from seg_model_candidates") == [(True,)]
    assert matching(command, features_shop) == []


def test_a_reselection_that_gives_the_same_model_stores_nothing(
    command: Command, scored_shop: Shop
) -> None:
    before = stored(scored_shop)
    done = command(scored_shop, "fit", "--reselect")
    assert done.exit_code == 0, done.err
    assert "the search gives version 1 again, nothing is stored" in done.err
    assert "model version 1 is active" in done.out
    assert stored(scored_shop) == before
    assert json.loads(command(scored_shop, "fit", "--reselect", "--json").out)["model_version"] == 1


def test_commands_say_that_a_build_is_due_until_it_is_done(
    command: Command, scored_shop: Shop
) -> None:
    due = "the tables were scored with version 1, version 2 is active: `dbt build` scores with version 2"
    customer = str(scored_shop.rows("select min(customer_id) from seg_customer_features")[0][0])
    assert due in command(scored_shop, "fit").err
    for arguments in (["profile"], ["explain", customer]):
        assert f"warning: {due}" in command(scored_shop, *arguments).err
    assert due not in command(scored_shop, "rollback").err, "the tables show version 1"
    for arguments in (["profile"], ["explain", customer], ["activate", "1"]):
        assert "`dbt build` scores" not in command(scored_shop, *arguments).err
    assert due in command(scored_shop, "activate", "2").err


def test_before_the_first_build_nothing_is_scored(command: Command, features_shop: Shop) -> None:
    done = command(features_shop, "fit")
    assert "no table is scored yet: `dbt build` scores with version 1" in done.err
