"""Additions to a YAML text are insertions: what was there stays there, in its place and to the last space."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from warehouse_seg.dbt.yaml_text import read, with_entry, with_item
from warehouse_seg.errors import UsageError

PLACES = {
    "no text": ("", "vars:\n  shop:\n    transactions: lines\n"),
    "another key": ("a: 1\n", "a: 1\n\nvars:\n  shop:\n    transactions: lines\n"),
    "no end of line": ("a: 1", "a: 1\n\nvars:\n  shop:\n    transactions: lines\n"),
    "a key without a value": (
        "vars:  # ours\n# end\n",
        "vars:  # ours\n  shop:\n    transactions: lines\n# end\n",
    ),
    "the inner key without a value": (
        "vars:\n  shop:\n\nb: 1\n",
        "vars:\n  shop:\n    transactions: lines\n\nb: 1\n",
    ),
    "four spaces": (
        "vars:\n    a: 1\nb: 2\n",
        "vars:\n    a: 1\n    shop:\n        transactions: lines\nb: 2\n",
    ),
    "comments of the last entry": (
        "vars:\n  a:\n    - 1\n    # of a\n  # of all\n\n# of b\nb: 1\n",
        "vars:\n  a:\n    - 1\n    # of a\n  # of all\n  shop:\n    transactions: lines\n\n# of b\nb: 1\n",
    ),
    "text over lines": (
        "vars:\n  a: |\n    one\n    two\nb: 1\n",
        "vars:\n  a: |\n    one\n    two\n  shop:\n    transactions: lines\nb: 1\n",
    ),
    "braces": (
        "vars: {a: 1}  # ours\n",
        "vars: {a: 1, shop: {transactions: lines}}  # ours\n",
    ),
    "empty braces": ("vars: {}\n", "vars: {shop: {transactions: lines}}\n"),
    "braces over lines": (
        "vars: {\n  a: 1  # ours\n}\n",
        "vars: {\n  a: 1, shop: {transactions: lines}  # ours\n}\n",
    ),
    "carriage returns": (
        "vars:\r\n  a: 1\r\n",
        "vars:\r\n  a: 1\r\n  shop:\r\n    transactions: lines\r\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), PLACES.values(), ids=PLACES)
def test_an_entry_is_inserted(before: str, after: str) -> None:
    assert with_entry(before, ("vars", "shop", "transactions"), "lines") == after
    assert with_entry(after, ("vars", "shop", "transactions"), "others") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "packages:\n  - local: b\n"),
        ("packages:\n", "packages:\n  - local: b\n"),
        ("packages: []\n", "packages: [{local: b}]\n"),
        ("packages:\n- local: a  # x\n", "packages:\n- local: a  # x\n- local: b\n"),
        (
            "packages:\n  - git: a\n    revision: 1\n# end\n",
            "packages:\n  - git: a\n    revision: 1\n  - local: b\n# end\n",
        ),
        ("projects:\n  - name: a\n", "projects:\n  - name: a\n\npackages:\n  - local: b\n"),
    ],
)
def test_an_item_is_added_at_the_end(before: str, after: str) -> None:
    assert with_item(before, "packages", {"local": "b"}) == after


@pytest.mark.parametrize("before", ["x: &x\n  a: 1\nvars: *x\n", "vars: ~\n"])
def test_where_no_line_can_be_inserted_the_error_gives_the_lines(before: str) -> None:
    with pytest.raises(UsageError, match=r"add these lines by hand(.|\n)*transactions: lines"):
        with_entry(before, ("vars", "shop", "transactions"), "lines")


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("a: 1\na: 2\n", "line 2: the key a stands there a second time"),
        ("a: [1\n", "not valid YAML"),
        ("- a\n", "needed a dictionary"),
        ("vars: text\n", "`vars` is 'text', needed a dictionary"),
        ("vars: [1]\n", "`vars` is [1], needed a dictionary"),
    ],
)
def test_a_text_of_another_kind_is_refused(before: str, found: str) -> None:
    with pytest.raises(UsageError, match=re.escape(found)):
        with_entry(before, ("vars", "shop", "transactions"), "lines")


def test_an_item_of_no_list_is_refused() -> None:
    with pytest.raises(UsageError, match=r"`packages` is \{'a': 1\}, needed a list"):
        with_item("packages: {a: 1}\n", "packages", {"local": "b"})


names = st.text("abcdef", min_size=1, max_size=4)
scalars = st.one_of(
    st.integers(), st.booleans(), names, st.sampled_from(["it's", "a: b", "# no", ""])
)
contents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)


@given(
    content=st.dictionaries(names, contents, max_size=3),
    block=st.dictionaries(names, contents, min_size=1, max_size=3),
    braces=st.booleans(),
    indent=st.integers(2, 6),
    value=st.one_of(scalars, st.lists(names, min_size=1, max_size=3)),
)
def test_whatever_is_there_stays_and_the_entry_is_added(
    content: dict[str, Any], block: dict[str, Any], braces: bool, indent: int, value: Any
) -> None:
    yaml, text = YAML(), io.StringIO()
    yaml.default_flow_style = braces
    yaml.indent(mapping=indent, sequence=indent, offset=indent - 2)
    yaml.dump({**content, "vars": block}, text)
    before = text.getvalue()

    after = with_entry(before, ("vars", "new_name"), value)

    assert read(after) == {**read(before), "vars": {**read(before)["vars"], "new_name": value}}
    remaining = iter(after)
    assert all(character in remaining for character in before)
