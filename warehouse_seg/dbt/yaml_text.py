"""Adds to a YAML text by inserting lines: what the user wrote stays as it is, to the last space.

Loading a file and writing it anew keeps the comments, but not the indentation, the blank lines and the alignment, and
a reader of the difference could not see what was added. So the text is only parsed for places. What comes out is read
again, and is an error unless it says what was there and the addition, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from warehouse_seg.errors import UsageError

PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
STEP = 2


def with_entry(text: str, path: Sequence[str], value: Any) -> str:
    r"""The text with `value` under the keys of `path`; as it was where something stands there already.

    >>> print(with_entry("vars:   # ours\n    a: 1\n", ("vars", "shop", "b"), "x"), end="")
    vars:   # ours
        a: 1
        shop:
            b: x
    >>> print(with_entry("vars: {a: 1}  # ours", ("vars", "b"), ["x", "y"]), end="")
    vars: {a: 1, b: [x, y]}  # ours
    """
    before = read(text)
    depth = _reach(before, path)
    if depth == len(path) and value_at(before, path) is not None:
        return text
    place = path[: min(depth, len(path) - 1)]
    _refuse_another_kind(value_at(before, place), dict, place)
    for key in reversed(path[len(place) + 1 :]):
        value = {key: value}
    return _with_addition(text, place, {path[len(place)]: value})


def with_item(text: str, key: str, item: Mapping[str, str]) -> str:
    r"""The text with `item` as the last one of the list under the key.

    >>> print(with_item("packages:\n- local: a  # ours\n", "packages", {"local": "b"}), end="")
    packages:
    - local: a  # ours
    - local: b
    """
    before = read(text)
    if key in before:
        _refuse_another_kind(before[key], list, (key,))
        return _with_addition(text, (key,), [item])
    return _with_addition(text, (), {key: [item]})


def read(text: str) -> dict[str, Any]:
    """The content of a YAML text whose outermost level is a dictionary. Raises UsageError where it is not."""
    try:
        content = YAML(typ="safe").load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        key = re.search(r'duplicate key "(.*?)" with', str(error.problem), re.DOTALL)
        raise UsageError(
            f"line {line}: the key {key[1] if key else ''} stands there a second time, of which dbt takes the last. "
            "Remove one of them, then run this again"
        ) from error
    except YAMLError as error:
        raise UsageError(f"not valid YAML: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise UsageError(f"needed a dictionary, found {type(content).__name__}")
    return content or {}


def _refuse_another_kind(value: Any, needed: type, path: Sequence[str]) -> None:
    if value is not None and not isinstance(value, needed):
        kinds: dict[type, str] = {dict: "a dictionary", list: "a list"}
        raise UsageError(f"`{'.'.join(path)}` is {value!r}, needed {kinds[needed]}")


def _reach(content: Any, path: Sequence[str]) -> int:
    """How many keys of the path are there."""
    for depth, key in enumerate(path):
        if not isinstance(content, Mapping) or key not in content:
            return depth
        content = content[key]
    return len(path)


def value_at(content: Any, path: Sequence[str]) -> Any:
    """What stands under the path; None where a key is not there."""
    for key in path:
        content = (content or {}).get(key)
    return content


def _with_addition(text: str, path: Sequence[str], addition: Any) -> str:
    """The text with the entries or items added at the end of what stands under the path."""
    expected = _extended(read(text), path, addition)
    after = _inserted(text, path, addition)
    try:
        understood = read(after) == expected
    except UsageError:
        understood = False
    if not understood:
        raise UsageError(
            f"cannot add to `{'.'.join(path)}` without changing what is written there; "
            "add these lines by hand, then run this again:\n  " + "\n  ".join(_lines(addition))
        )
    return after


def _extended(content: Any, path: Sequence[str], addition: Any) -> Any:
    if path:
        inner = _extended((content or {}).get(path[0]), path[1:], addition)
        return {**(content or {}), path[0]: inner}
    if isinstance(addition, list):
        return [*(content or []), *addition]
    return {**(content or {}), **addition}


def _inserted(text: str, path: Sequence[str], addition: Any) -> str:
    key, node = find(text, path)
    if isinstance(node, CollectionNode) and node.flow_style:
        return _inserted_in_brackets(text, node, addition)
    if key is None:
        return _inserted_lines(text, len(text), 0, _lines(addition))
    if not isinstance(node, CollectionNode):
        column = key.start_mark.column + STEP
        return _inserted_lines(text, line_after(text, key), column, _lines(addition))
    column = _column(node)
    position = _after_comments(text, line_after(text, last_leaf(node)), column)
    step = max(STEP, column - key.start_mark.column)
    return _inserted_lines(text, position, column, _lines(addition, step))


def _inserted_lines(text: str, position: int, column: int, lines: Sequence[str]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    unfinished = end if position and not text[:position].endswith("\n") else ""
    apart = end if position and not column and position == len(text) and lines[0][0] != "-" else ""
    block = "".join(" " * column + line + end for line in lines)
    return text[:position] + unfinished + apart + block + text[position:]


def _inserted_in_brackets(text: str, node: CollectionNode, addition: Any) -> str:
    inside = _flow(addition)[1:-1]
    if not node.value:
        position = node.end_mark.index - 1
        return text[:position] + inside + text[position:]
    position = _last_value(node).end_mark.index
    return f"{text[:position]}, {inside}{text[position:]}"


def find(text: str, path: Sequence[str]) -> tuple[Node | None, Node | None]:
    """The node of the last key of the path, and the node of its value; of the whole file for an empty path."""
    key, node = None, YAML().compose(text)
    for name in path:
        assert isinstance(node, MappingNode)  # noqa: S101 - `path` was found in the content before
        key, node = next(pair for pair in node.value if pair[0].value == name)
    return key, node


def last_leaf(node: Node) -> Node:
    """Where the text of a node ends; the end that a block itself reports lies behind the comments that follow it."""
    while isinstance(node, CollectionNode) and node.value and not node.flow_style:
        node = _last_value(node)
    return node


def _last_value(node: CollectionNode) -> Node:
    last = node.value[-1]
    value: Node = last[1] if isinstance(node, MappingNode) else last
    return value


def _column(node: CollectionNode) -> int:
    first = node if isinstance(node, SequenceNode) else node.value[0][0]
    return int(first.start_mark.column)


def line_after(text: str, node: Node) -> int:
    """Where the line below the node's last one starts."""
    end = int(node.end_mark.index)
    if text[:end].endswith("\n"):
        return end
    return text.find("\n", end) + 1 or len(text)


def _after_comments(text: str, position: int, column: int) -> int:
    """Behind the comment lines that are indented like the block: they are about what stands above them."""
    comments = re.compile(rf"([ ]{{{column},}}#[^\n]*(\n|$))*" if column else "")
    match = comments.match(text, position)
    return match.end() if match else position


def _lines(addition: Any, step: int = STEP) -> list[str]:
    """Block style; a list of plain values stays on one line."""
    if isinstance(addition, list):
        return ["- " + _flow(item)[1:-1] for item in addition]
    lines = []
    for key, value in addition.items():
        if isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict)):
            lines += [f"{key}:", *(" " * step + line for line in _lines(value, step))]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return lines


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    plain = isinstance(value, str) and PLAIN.fullmatch(value) and read(f"x: {value}")["x"] == value
    return value if plain else json.dumps(value, ensure_ascii=False)
