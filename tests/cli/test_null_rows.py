"""Rows of the registry that hold NULL where this package always has a value: words on either side, nothing lost."""

from __future__ import annotations

import pytest

from tests.shop_fixtures import Command
from tests.small_shop import Shop, Stages

NULL_ROWS = {
    "an activation of nothing": "insert into seg_model_activations (activation) values (99)",
    "an activation without a number": "insert into seg_model_activations (model_version) values (1)",
    "a model without a version": "insert into seg_models (notes) values ('?')",
    "a feature without a place": "insert into seg_model_features (model_version) values (1)",
    "a segment without a number": "insert into seg_model_components (model_version) values (1)",
    "a category without a place": "insert into seg_model_categories (model_version) values (1)",
    "a candidate without a version": "insert into seg_model_candidates (reason) values ('?')",
    "a feature of no version": "insert into seg_model_features (feature) values ('x')",
}
OF_NO_MODEL = {NULL_ROWS["a candidate without a version"], NULL_ROWS["a feature of no version"]}
"""Rows that belong to no model concern nobody who reads one."""
READING = (["models"], ["profile"], ["explain", "1"], ["compile"])


@pytest.fixture(scope="module")
def shop(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return stages.scored().copy(tmp_path_factory.mktemp("null_rows") / "shop")


@pytest.mark.parametrize("statement", NULL_ROWS.values(), ids=NULL_ROWS)
def test_every_command_says_it_in_words_or_is_not_concerned(
    command: Command, shop: Shop, statement: str
) -> None:
    table = statement.split()[2]
    shop.execute(f"create or replace table kept as from {table}", statement)
    try:
        finished = [command(shop, *arguments) for arguments in READING]
    finally:
        shop.execute(f"truncate {table}", f"insert into {table} from kept")
    for done in finished:
        assert done.exit_code in (0, 2), done.stderr
        assert "not foreseen" not in done.err
        assert done.exit_code == 0 or table in done.err
    assert statement in OF_NO_MODEL or any(done.exit_code == 2 for done in finished)


@pytest.mark.parametrize(
    "statement",
    [NULL_ROWS["an activation of nothing"], NULL_ROWS["an activation without a number"]],
)
def test_dbt_does_not_take_it_for_no_model(scored_shop: Shop, statement: str) -> None:
    """Scores of no model would be empty tables: the segments of every customer gone."""
    before = scored_shop.segments()
    scored_shop.execute(statement)
    done = scored_shop.dbt("build", "--select", "seg_customer_scores")
    assert done.exit_code == 1
    assert "NULL, which this package never writes" in done.stderr
    assert scored_shop.segments() == before
