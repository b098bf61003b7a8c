"""A model moves between registries unchanged, and only an unchanged export is taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.registry.test_store import AWKWARD_TEXT, a_model, in_memory, registry_in
from warehouse_seg.errors import UsageError
from warehouse_seg.model.component import Component
from warehouse_seg.model.segment_matching import SegmentMatch, SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.registry import exchange
from warehouse_seg.registry.exchange import (
    checksum_of,
    exported,
    matching_here,
    parsed,
    require_same_segments,
    stored_version,
)
from warehouse_seg.registry.store import Registry


@pytest.fixture
def development() -> Iterator[Registry]:
    with in_memory() as warehouse:
        registry = registry_in(warehouse)
        registry.publish(a_model())
        match = SegmentMatch("kept", "s1", "s1", 70, 1 / 3, 0.7, 0.1)
        registry.publish(a_model(1), SegmentMatching(a_model(1), 1, (match,), 2 / 3, {}))
        yield registry


@pytest.fixture
def production() -> Iterator[Registry]:
    with in_memory() as warehouse:
        yield registry_in(warehouse)


def moved(source: Registry, version: int, target: Registry) -> int:
    """As `import` does it, once the file is read."""
    content = parsed(exported(source, version).to_json().encode(), "m.json")
    require_same_segments(target, content)
    return target.publish(content.model, matching_here(target, content)).model_version


def with_keys(model: SegmentModel, *keys: str) -> SegmentModel:
    components: list[Component] = [
        component.model_copy(update={"segment_key": key})
        for component, key in zip(model.components, keys, strict=True)
    ]
    return model.model_copy(update={"components": tuple(components)})


def test_a_model_arrives_equal_to_the_last_bit(development: Registry, production: Registry) -> None:
    assert moved(development, 1, production) == 1
    assert production.read(1) == development.read(1)
    assert moved(development, 2, production) == 2
    assert production.read(2) == development.read(2)
    assert production.segment_matches() == development.segment_matches()


def test_the_version_before_has_the_number_that_it_has_here(
    development: Registry, production: Registry
) -> None:
    production.publish(with_keys(a_model(5), "a", "b"))
    assert [moved(development, 1, production), moved(development, 2, production)] == [2, 3]
    assert [row["previous_model_version"] for row in production.segment_matches()] == [2]


def test_a_matching_with_a_version_that_is_not_here_is_left_out(
    development: Registry, production: Registry
) -> None:
    assert moved(development, 2, production) == 1
    assert production.segment_matches() == []


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("others", range(3))
def test_the_same_model_is_found_by_its_fingerprint(
    development: Registry, production: Registry, version: int, others: int
) -> None:
    content = parsed(exported(development, version).to_json().encode(), "m.json")
    for seed in range(others):
        production.publish(with_keys(a_model(7 + seed), "a", "b"))
    assert stored_version(production, content) is None
    assert moved(development, version, production) == others + 1
    assert stored_version(production, content) == others + 1


@pytest.mark.parametrize("version", [0, 3, 99])
def test_only_a_complete_version_is_exported(development: Registry, version: int) -> None:
    with pytest.raises(UsageError, match="found no such model version"):
        exported(development, version)


def test_a_spoiled_version_is_not_exported(development: Registry) -> None:
    development.warehouse.execute(
        "update registry.seg_models set fingerprint = 'x' where model_version = 1"
    )
    with pytest.raises(UsageError, match=r"model version 1.*cannot be used"):
        exported(development, 1)


# ---------------------------------------------------------------------------------- what a segment key means

KEEPS: dict[str, tuple[str, ...]] = {
    "an empty registry": (),
    "keys that nobody has here": ("a", "b"),
}


@pytest.mark.parametrize("keys", KEEPS.values(), ids=KEEPS)
def test_keys_are_kept_where_they_mean_nothing_else(
    development: Registry, production: Registry, keys: tuple[str, ...]
) -> None:
    if keys:
        production.publish(with_keys(a_model(9), *keys))
    version = moved(development, 1, production)
    assert [c.segment_key for c in production.read(version).components] == ["s1", "s2"]


def test_keys_are_kept_where_a_model_of_the_same_registry_was_imported_before(
    development: Registry, production: Registry
) -> None:
    moved(development, 1, production)
    production.publish(a_model(20))  # a refit here: s1 and s2 still mean the imported segments
    assert moved(development, 2, production) == 3


def test_keys_are_kept_whatever_is_imported_first(
    development: Registry, production: Registry
) -> None:
    moved(development, 2, production)
    assert moved(development, 1, production) == 2


def test_what_a_killed_import_left_behind_is_no_obstacle(
    development: Registry, production: Registry
) -> None:
    moved(development, 1, production)
    production.warehouse.execute("delete from registry.seg_models")
    assert moved(development, 1, production) == 2


FOREIGN: dict[str, tuple[str, ...]] = {
    "both keys": ("s1", "s2"),
    "one key": ("s1", "b"),
    "the other": ("a", "s2"),
    "the other way round": ("s2", "s1"),
    "the second key alone, first": ("s2", "z"),
}


@pytest.mark.parametrize("keys", FOREIGN.values(), ids=FOREIGN)
def test_a_key_of_another_segment_is_refused(
    development: Registry, production: Registry, keys: tuple[str, ...]
) -> None:
    production.publish(with_keys(a_model(9), *keys))
    with pytest.raises(UsageError, match="belong to other segments in this registry") as caught:
        moved(development, 1, production)
    for key in {"s1", "s2"} & set(keys):
        assert key in str(caught.value)
    assert len(production.models()) == 1


def test_a_key_that_a_refit_here_gave_out_is_refused(
    development: Registry, production: Registry
) -> None:
    moved(development, 1, production)
    production.publish(with_keys(a_model(9), "s1", "s3"))
    development.publish(with_keys(a_model(10), "s1", "s3"))
    with pytest.raises(UsageError, match=r"segment keys s3 belong.*version 2"):
        moved(development, 3, production)


# ---------------------------------------------------------------------------------- files that are no unchanged export

Change = Callable[[dict[str, Any]], object]


def signed(change: Change) -> Change:
    """The change by somebody who knows how to make the checksum."""

    def change_and_sign(content: dict[str, Any]) -> None:
        change(content)
        content["checksum"] = checksum_of(content)

    return change_and_sign


CHANGES: dict[str, tuple[Change, str]] = {
    "a number": (lambda c: c["model"]["features"][0].update(center=0.5), "fingerprint"),
    "a key": (lambda c: c["model"]["components"][0].update(segment_key="s9"), "fingerprint"),
    "a fingerprint": (lambda c: c.update(fingerprint="0" * 16), "fingerprint"),
    "a number, signed": (
        signed(lambda c: c["model"]["features"][0].update(center=0.5)),
        "fingerprint",
    ),
    "a name": (lambda c: c["model"]["components"][0].update(segment_name="VIP"), "checksum"),
    "a note": (lambda c: c["model"]["training"].update(notes="approved"), "checksum"),
    "the keys of its registry": (lambda c: c["registry_models"].pop(), "checksum"),
    "no checksum": (lambda c: c.pop("checksum"), "checksum"),
    "a text for a number": (
        lambda c: c["model"]["features"][0].update(center="much"),
        r"model\.features\.0\.center",
    ),
    "no components": (lambda c: c["model"].pop("components"), r"model\.components"),
    "one more key": (lambda c: c.update(sql="drop table x"), "sql: Extra inputs"),
    "a list for an object": (lambda c: c.update(model=[]), "model: "),
    "a number beyond doubles": (
        lambda c: c["model"]["features"][0].update(center=10**400),
        r"model\.features\.0\.center|fingerprint",
    ),
    "another format": (lambda c: c.update(warehouse_seg_model=2), "format version 2"),
    "no format": (lambda c: c.pop("warehouse_seg_model"), "has no key"),
    "a format that is no number": (lambda c: c.update(warehouse_seg_model=True), "has no key"),
    "a null character": (
        signed(lambda c: c["model"]["training"].update(notes="a\0b")),
        "null character",
    ),
    "half a character": (
        signed(lambda c: c["model"]["training"].update(notes="\ud800")),
        "half a character",
    ),
    "a null character in a list": (
        signed(lambda c: c["model"]["training"].update(findings=["\0"])),
        "null character",
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_changed_file_is_refused_in_a_sentence(
    development: Registry, change: Change, said: str
) -> None:
    content = json.loads(exported(development, 1).to_json())
    change(content)
    with pytest.raises(UsageError, match=said) as caught:
        parsed(json.dumps(content).encode(), "m.json")
    assert str(caught.value).startswith("m.json ")
    assert "\n" not in str(caught.value)


BYTES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"model: 1",
    "half of it": b'{"warehouse_seg_model": 1, "model": {',
    "NaN": b'{"warehouse_seg_model": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "an overflow": b'{"a": 1e999}',
    "a key twice": b'{"fingerprint": "a", "fingerprint": "b"}',
    "null bytes": b"\0" * 100,
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "Latin-1": '{"a": "ü"}'.encode("latin-1"),
    "nested without an end": b"[" * 100_000,
    "an endless integer": b'{"a": ' + b"1" * 10_000 + b"}",
    "a list": b"[]",
    "a text": b'"model"',
}


@pytest.mark.parametrize("content", BYTES.values(), ids=BYTES)
def test_bytes_that_are_no_model_are_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(content, "m.json")
    assert str(caught.value).startswith("m.json ")
    assert "\n" not in str(caught.value)
    assert "export" in str(caught.value)


def test_a_huge_file_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_BYTES", 10)
    with pytest.raises(UsageError, match=r"m\.json has 11 bytes"):
        parsed(b"{" * 11, "m.json")


def test_a_byte_order_mark_and_another_layout_are_no_change(development: Registry) -> None:
    text = exported(development, 1).to_json()
    compact = json.dumps(json.loads(text), separators=(",", ":"))
    assert parsed(b"\xef\xbb\xbf" + compact.encode(), "m.json") == parsed(text.encode(), "m.json")
    assert AWKWARD_TEXT in parsed(text.encode(), "m.json").model.training.notes
