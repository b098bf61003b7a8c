"""A shop without structure: whoever looks at its segments, by whatever command, reads the warning of their model."""

from __future__ import annotations

import json

import pytest

from tests.dbt_folder import succeeded
from tests.shop_fixtures import Command
from tests.small_shop import Shop, Stages

WARNING = "there is no stable segmentation: the segments describe the features one by one"

SHUFFLED = """
create table raw.shuffled_customers as
from (select customer_id from seg_customer_rfm order by customer_id)
positional join (select recency_days from seg_customer_rfm order by hash(customer_id, 1))
positional join (select order_count from seg_customer_rfm order by hash(customer_id, 2))
positional join (select average_order_value from seg_customer_rfm order by hash(customer_id, 3))
"""
"""The same values, every column in an order of its own: nothing goes together."""

UNUSUAL_TEST = """
{{ config(severity='warn') }}
select customer_id from {{ ref('warehouse_seg', 'seg_customer_segments') }} limit 1
"""


@pytest.fixture(scope="module")
def shuffled_shop(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A ready table of shuffled columns, nothing fitted yet, and a test of the user's that warns."""
    shop = stages.with_features().copy(tmp_path_factory.mktemp("shuffled") / "shop")
    shop.execute(SHUFFLED)
    sources = shop.folder / "models" / "sources.yml"
    sources.write_text(sources.read_text() + "      - name: shuffled_customers\n")
    (shop.folder / "tests").mkdir()
    (shop.folder / "tests" / "somebody_is_there.sql").write_text(UNUSUAL_TEST)
    shop.set_variable("transactions", value=None)
    shop.set_variable("feature_table", value=["shop", "shuffled_customers"])
    shop.set_variable("as_of_date", value="2026-07-01")
    return shop


def test_every_reader_of_a_shop_without_structure_is_warned(
    command: Command, shuffled_shop: Shop
) -> None:
    done = succeeded(shuffled_shop.warehouse_seg("run", "--json"))
    warnings = json.loads(done.out)["warnings"]
    (warning,) = (text for text in warnings if WARNING in text)
    assert any("somebody_is_there" in text for text in warnings), "dbt's own warnings"
    # Last, and each once: the fit warned of it too.
    assert done.err.splitlines()[-len(warnings) :] == [f"warning: {text}" for text in warnings]
    assert done.err.count(WARNING) == 1

    listed = command(shuffled_shop, "models", "--json")
    assert warning in json.loads(listed.out)["warnings"]["1"]
    assert f"warning: {warning}" in listed.err
    assert f"warning: {warning}" in command(shuffled_shop, "models").err

    sheet = command(shuffled_shop, "profile", "--json")
    assert warning in json.loads(sheet.out)["warnings"]
    assert f"warning: {warning}" in sheet.err

    validation = json.loads(command(shuffled_shop, "validate", "--json").out)
    assert warning in validation["warnings"]
    assert warning in validation["verdict"]

    quiet = command(shuffled_shop, "profile", "--quiet")
    assert f"warning: {warning}" in quiet.err

    in_tables = shuffled_shop.rows("select distinct model_warning from seg_segments")
    assert len(in_tables) == 1
    assert warning in in_tables[0][0]
