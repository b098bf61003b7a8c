"""Takes lines out of a YAML text: what else the user wrote stays as it is, to the last space.

As in `yaml_text.py` the text is parsed for places only, and what comes out is read again: it is an error unless it says
what was there less the entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml.nodes import CollectionNode, Node

from warehouse_seg.dbt.yaml_text import find, last_leaf, line_after, read, value_at
from warehouse_seg.errors import UsageError


def without_entry(text: str, path: Sequence[str]) -> str:
    r"""The text without the key at the end of the path and what stands under it; a parent that is empty then goes too.

    >>> print(without_entry("a: 1\nvars:   # ours\n  shop: {x: 1}\n  other: 2\n", ("vars", "shop")), end="")
    a: 1
    vars:   # ours
      other: 2
    >>> print(without_entry("a: 1\nvars:\n  shop:\n    x: 1\n    # about x\n", ("vars", "shop")), end="")
    a: 1
    """
    content = read(text)
    if not _is_there(content, path):
        return text
    while len(path) > 1 and len(value_at(content, path[:-1])) == 1:
        path = path[:-1]
    _, parent = find(text, path[:-1])
    key, node = find(text, path)
    _refuse_brackets(parent, path)
    assert key is not None  # noqa: S101 - the path is not empty
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    last = node if isinstance(node, CollectionNode) and node.value else None
    end = line_after(text, last_leaf(last) if last is not None else (node or key))
    end = _after_comments(text, end, key.start_mark.column + 1)
    return _checked(text[:start] + text[end:], _less(content, path), path)


def without_item(text: str, key: str, item: Mapping[str, str]) -> str:
    r"""The text without this item of the list under the key; a list that is empty then goes with its key.

    >>> print(without_item("packages:\n- local: a  # ours\n- local: b\n", "packages", {"local": "b"}), end="")
    packages:
    - local: a  # ours
    """
    content = read(text)
    items = content.get(key) or []
    if dict(item) not in items:
        return text
    if len(items) == 1:
        return without_entry(text, (key,))
    _, node = find(text, (key,))
    _refuse_brackets(node, (key,))
    assert isinstance(node, CollectionNode)  # noqa: S101 - it has items
    place = items.index(dict(item))
    start = text.rfind("\n", 0, node.value[place].start_mark.index) + 1
    end = line_after(text, last_leaf(node.value[place]))
    left = [other for position, other in enumerate(items) if position != place]
    return _checked(text[:start] + text[end:], {**content, key: left}, (key,))


def _after_comments(text: str, position: int, column: int) -> int:
    """Behind the comments that are indented into the block, blank lines between them or not: they are about it."""
    comments = re.compile(rf"(([ \t]*\r?\n)*[ ]{{{column},}}#[^\n]*(\n|$))*")
    match = comments.match(text, position)
    return match.end() if match else position


def _is_there(content: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(content, Mapping) or key not in content:
            return False
        content = content[key]
    return True


def _refuse_brackets(node: Node | None, path: Sequence[str]) -> None:
    if isinstance(node, CollectionNode) and node.flow_style and node.value:
        raise UsageError(
            f"`{'.'.join(path)}` stands between other entries in brackets; remove it by hand, then run this again"
        )


def _less(content: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    if len(path) == 1:
        return {key: value for key, value in content.items() if key != path[0]}
    return {**content, path[0]: _less(content[path[0]], path[1:])}


def _checked(text: str, expected: Mapping[str, Any], path: Sequence[str]) -> str:
    try:
        understood = read(text) == expected
    except UsageError:
        understood = False
    if not understood:
        raise UsageError(
            f"cannot remove `{'.'.join(path)}` without changing what else is written there; "
            "remove it by hand, then run this again"
        )
    return text
