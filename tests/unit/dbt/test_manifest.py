"""Which relation stands behind a name: of versions, seeds, snapshots, two packages, ephemeral models, sources."""

from __future__ import annotations

from typing import Any

import pytest

from warehouse_seg.dbt.manifest import PACKAGE, EphemeralModel, Manifest, Place
from warehouse_seg.errors import UsageError

FEATURES = f"model.{PACKAGE}.seg_customer_features"


def node(
    unique_id: str, relation: str | None = "shop.main.made", **others: Any
) -> tuple[str, dict[str, Any]]:
    kind, package, name, *_ = unique_id.split(".")
    return unique_id, {
        "resource_type": kind,
        "package_name": package,
        "name": name,
        "relation_name": relation,
    } | others


def source(unique_id: str, relation: str) -> tuple[str, dict[str, Any]]:
    _, package, source_name, name = unique_id.split(".")
    return unique_id, {
        "resource_type": "source",
        "package_name": package,
        "source_name": source_name,
        "name": name,
        "relation_name": relation,
    }


NODES = dict(
    [
        node("model.shop.lines.v1", "shop.main.lines_v1", version=1, latest_version=2),
        node("model.shop.lines.v2", "shop.main.lines_v2", version=2, latest_version=2),
        node("seed.shop.raw_lines", "shop.seeds.raw_lines"),
        node("snapshot.shop.kept_lines", "shop.snapshots.kept_lines"),
        node("model.shop.orders", "shop.main.orders"),
        node("model.another.orders", "shop.another.orders"),
        node("model.another.baskets", "shop.another.baskets"),
        node("model.shop.passing", None),
        node("test.shop.checked", None),
        node("analysis.shop.looked_at", None),
        node("operation.shop.hook", None),
    ]
)
SOURCES = dict(
    [
        source("source.shop.till.orders", "till.main.orders"),
        source("source.another.shop.lines", "attached.main.lines"),
    ]
)


def manifest(*read: str) -> Manifest:
    """With the package's features, which read the nodes given."""
    features = node(FEATURES, depends_on={"nodes": list(read)})
    return Manifest(
        {
            "metadata": {"project_name": "shop"},
            "nodes": NODES | dict([features]),
            "sources": SOURCES,
        }
    )


@pytest.mark.parametrize(
    ("place", "relation"),
    {
        "of versions the latest": ("lines", "shop.main.lines_v2"),
        "a seed": ("raw_lines", "shop.seeds.raw_lines"),
        "a snapshot": ("kept_lines", "shop.snapshots.kept_lines"),
        "of two packages the project's own": ("orders", "shop.main.orders"),
        "of the package that is named": ("another.orders", "shop.another.orders"),
        "of another package": ("baskets", "shop.another.baskets"),
        "a source": (("till", "orders"), "till.main.orders"),
        "a source of an attached database": (("shop", "lines"), "attached.main.lines"),
    }.values(),
)
def test_the_relation_of_a_name(place: Place, relation: str) -> None:
    assert manifest().input_relation(place) == relation


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("line", "no model, seed or snapshot line .*; did you mean 'lines'"),
        ("till.orders", "no model, seed or snapshot till.orders"),
        (("till", "order"), "no source till.order .*; did you mean 'till.orders'"),
        ("checked", "no model, seed or snapshot checked"),
        ("looked_at", "no model, seed or snapshot looked_at"),
        ("hook", "no model, seed or snapshot hook"),
    ],
)
def test_a_name_that_nothing_has(place: Place, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        manifest().input_relation(place)


def test_a_model_that_is_no_table() -> None:
    with pytest.raises(EphemeralModel, match="passing is an ephemeral model"):
        manifest().input_relation("passing")
    with pytest.raises(EphemeralModel, match="passing is an ephemeral model"):
        manifest("model.shop.passing").relation_read("seg_customer_features", "passing")


@pytest.mark.parametrize(
    ("read", "place", "relation"),
    [
        ("model.another.orders", "orders", "shop.another.orders"),
        ("model.shop.orders", "orders", "shop.main.orders"),
        ("model.shop.lines.v2", "lines", "shop.main.lines_v2"),
        ("seed.shop.raw_lines", "raw_lines", "shop.seeds.raw_lines"),
        ("source.shop.till.orders", ("till", "orders"), "till.main.orders"),
    ],
)
def test_what_dbt_resolved_for_a_model_is_taken(read: str, place: Place, relation: str) -> None:
    """Which of two packages' models `ref` finds is dbt's to say."""
    assert manifest(read).relation_read("seg_customer_features", place) == relation


def test_what_a_model_does_not_read_is_not_guessed() -> None:
    with pytest.raises(UsageError, match=r"does not read orders; did dbt_project\.yml change"):
        manifest("model.shop.lines.v2").relation_read("seg_customer_features", "orders")


def built(unique_id: str, *reads: str, relation: str | None = "made") -> tuple[str, dict[str, Any]]:
    """A node that reads others; its relation is called as it is."""
    _, package, name = unique_id.split(".")
    # As dbt has it: a seed has no list of nodes.
    depends_on = {"macros": []} if unique_id.startswith("seed.") else {"nodes": list(reads)}
    relation = relation and f"main.{name}"
    return node(unique_id, relation, depends_on=depends_on, fqn=[package, "folder", name])


LINEAGE = dict(
    [
        built(FEATURES, "model.shop.lines", "source.shop.till.orders", "model.other.ages"),
        built("model.shop.lines", "model.shop.passing"),
        built("model.shop.passing", "model.shop.orders", "seed.shop.codes", relation=None),
        built("model.shop.orders", "source.shop.till.orders"),
        built("seed.shop.codes"),
        built("model.other.ages", "model.shop.orders"),
        built("model.shop.unrelated"),
    ]
)


@pytest.mark.parametrize(
    ("there", "missing"),
    {
        "all": ({"lines", "orders", "codes", "ages"}, []),
        "nothing": (set(), ["other.ages", "shop.codes", "shop.lines", "shop.orders"]),
        "what a table that is there reads": ({"lines", "ages"}, []),
        "a table": ({"orders", "codes", "ages"}, ["shop.lines"]),
        "a seed behind an ephemeral model": ({"orders", "ages"}, ["shop.codes", "shop.lines"]),
    }.values(),
)
def test_parents_that_the_warehouse_lacks(there: set[str], missing: list[str]) -> None:
    content = {"nodes": LINEAGE, "sources": SOURCES, "disabled": {}}
    exists = {f"main.{name}" for name in there}.__contains__
    names = [name.replace(".folder", "") for name in Manifest(content).missing_parents(exists)]
    assert names == missing


def test_models_of_the_user_that_read_the_package() -> None:
    reading = built("model.shop.audience", FEATURES)
    content = {"nodes": LINEAGE | dict([reading]), "sources": SOURCES, "disabled": {}}
    assert Manifest(content).readers() == ["audience"]
