"""What `init` added is taken out again: what the user wrote stays, to the last space."""

from __future__ import annotations

import pytest

from warehouse_seg.dbt.yaml_removal import without_entry, without_item
from warehouse_seg.dbt.yaml_text import with_entry, with_item
from warehouse_seg.errors import UsageError

TEXTS = {
    "with variables": "name: a\nvars:   # ours\n    x: 1   # aligned\n\n    # about y\n    y: 2\n",
    "variables first": "vars:\n  x: 1\nname: a\n",
    "Windows": "name: a\r\nvars:\r\n  x: 1\r\nmodels:\r\n  +schema: b\r\n",
    "no variables": "name: a\nmodels:\n  +schema: b\n",
    "no end of line": "name: a\nvars:\n  x: 1",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_was_added_is_taken_out(text: str) -> None:
    added = text
    for path, value in (
        (("vars", "warehouse_seg", "transactions"), ["till", "lines"]),
        (("vars", "warehouse_seg", "customer_id_type"), "bigint"),
        (("models", "warehouse_seg", "staging", "+materialized"), "view"),
    ):
        added = with_entry(added, path, value)
    left = added
    for block in ("vars", "models"):
        left = without_entry(left, (block, "warehouse_seg"))
    assert left.rstrip() == text.rstrip()


def test_comments_of_the_block_go_with_it() -> None:
    text = "vars:\n  shop:\n    x: 1\n\n    # tiers: {}\n\n    # more\n  # about y\n  y: 2\n\n# the end\n"
    assert without_entry(text, ("vars", "shop")) == "vars:\n  # about y\n  y: 2\n\n# the end\n"


@pytest.mark.parametrize(
    ("text", "left"),
    {
        "the last": (
            "packages:\n- local: a  # ours\n- local: b\n",
            "packages:\n- local: a  # ours\n",
        ),
        "the first": (
            "packages:\n- local: b\n- git: a\n  revision: 1\n",
            "packages:\n- git: a\n  revision: 1\n",
        ),
        "the only one": ("# ours\npackages:\n  - local: b\n", "# ours\n"),
        "not there": ("packages:\n- local: c\n", "packages:\n- local: c\n"),
        "no list": ("name: a\n", "name: a\n"),
    }.values(),
)
def test_an_item_is_taken_out(text: str, left: str) -> None:
    assert without_item(text, "packages", {"local": "b"}) == left


def test_an_item_that_was_added_is_taken_out() -> None:
    text = "packages:\n  - package: dbt-labs/dbt_utils   # ours\n    version: 1.0.0\n"
    item = {"local": "vendor/warehouse_seg"}
    assert without_item(with_item(text, "packages", item), "packages", item) == text


@pytest.mark.parametrize("text", ["vars: {shop: {x: 1}, y: 2}\n", "{vars: {shop: 1, y: 2}}\n"])
def test_an_entry_between_others_in_brackets_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="remove it by hand"):
        without_entry(text, ("vars", "shop"))


@pytest.mark.parametrize("path", [("vars", "other"), ("other", "shop"), ("name", "shop")])
def test_what_is_not_there_stays_away(path: tuple[str, ...]) -> None:
    text = "name: a\nvars: {shop: 1}\n"
    assert without_entry(text, path) == text
