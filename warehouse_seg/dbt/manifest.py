"""What dbt says of a project: relation names, effective variables, the registry's place, from `manifest.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.settings import Settings, settings_from

PACKAGE = "warehouse_seg"

Place = str | tuple[str, str]
"""What a setting names: a model, seed or snapshot (`name`, `package.name`), or a source (source, table)."""


class EphemeralModel(UsageError):
    """A model that the warehouse never has as a table or view."""


@dataclass(frozen=True)
class Manifest:
    """The parts of dbt's manifest.json that we read."""

    content: Mapping[str, Any]

    def require_package(self) -> None:
        """Raise UsageError where the dbt package is not installed, or set up for nothing."""
        ours = [key for key in self.content["nodes"] if key.startswith(f"model.{PACKAGE}.")]
        disabled = [key for key in self.content["disabled"] if key.startswith(f"model.{PACKAGE}.")]
        if not ours and not disabled:
            raise UsageError(
                "the dbt package warehouse_seg is not installed in this project; run `warehouse-seg init`"
            )
        if not ours:
            raise UsageError(
                "neither `transactions` nor `feature_table` is set under `vars: warehouse_seg:`, or `rooms` switches "
                "the features off; name the model or source with your order lines "
                "(`warehouse-seg init --transactions MODEL`)"
            )

    def settings(self) -> Settings:
        """The effective variables, as dbt rendered them."""
        return settings_from(self._model("seg_customer_features")["config"]["meta"][PACKAGE])

    def has_model(self, name: str) -> bool:
        """Whether one of the package's models is switched on."""
        return f"model.{PACKAGE}.{name}" in self.content["nodes"]

    def package_version(self) -> str | None:
        """The release of the dbt package in this project; None where it is too old to say it."""
        models = (node for node in self._own() if node["resource_type"] == "model")
        versions = (node["config"]["meta"].get("warehouse_seg_version") for node in models)
        return next((str(version) for version in versions if version is not None), None)

    def relation(self, model: str) -> str:
        """The relation of one of the package's models, as dbt writes it."""
        name: str = self._model(model)["relation_name"]
        return name

    def _model(self, name: str) -> Mapping[str, Any]:
        node: Mapping[str, Any] | None = self.content["nodes"].get(f"model.{PACKAGE}.{name}")
        if node is None:
            raise UsageError(
                f"{name} is switched off in this dbt project, and this command reads it; switch its room on "
                "(`rooms` under `vars: warehouse_seg:`), and remove `enabled: false` where you set it for the model"
            )
        return node

    def relation_read(self, model: str, place: Place) -> str:
        """The relation of what one of the package's models reads under this name: dbt itself has resolved it.

        Raises UsageError where the model reads nothing of that name, EphemeralModel where it is no table.
        """
        ids = reads_of(self._model(model))
        read = [node for node in map(self._node, ids) if node and node["package_name"] != PACKAGE]
        node = next((node for node in read if _is_called(node, place)), None)
        if node is None:
            raise UsageError(
                f"{model} does not read {_shown(place)}; did dbt_project.yml change since?"
            )
        return _table_of(node)

    def input_relation(self, place: Place) -> str:
        """The relation of whatever `ref` or `source` finds under this name: a model, a seed, a snapshot, a source.

        A name without a package is one of the project's own before another package's; of a model with versions it is
        the latest. Raises UsageError where dbt knows no such name, EphemeralModel where it is no table.
        """
        nodes = [*self.content["nodes"].values(), *self.content["sources"].values()]
        named = [node for node in nodes if _is_called(node, place)]
        own = self.content["metadata"].get("project_name")
        named.sort(key=lambda node: node["package_name"] != own)
        if not named:
            kind = "model, seed or snapshot" if isinstance(place, str) else "source"
            known = [_shown(_place_of(node)) for node in nodes if _is_readable(node)]
            raise UsageError(
                f"this dbt project has no {kind} {_shown(place)} (write a model, seed or snapshot as NAME, of another "
                f"package as PACKAGE.NAME, and a source as SOURCE.TABLE){nearest(_shown(place), known)}"
            )
        return _table_of(named[0])

    def missing_parents(self, exists: Callable[[str], bool]) -> list[str]:
        """What the package reads and the warehouse lacks, with what that reads and it lacks, as dbt selects it.

        exists: whether the warehouse has a relation
        Sources are not among them: dbt builds none.
        """
        known = self.content["nodes"]
        left = [parent for node in self._own() for parent in reads_of(node)]
        seen: set[str] = set()
        missing = []
        while left:
            unique_id = left.pop()
            node = known.get(unique_id)
            if node is None or unique_id in seen or node["package_name"] == PACKAGE:
                continue
            seen.add(unique_id)
            relation = node["relation_name"]
            if relation is not None and exists(relation):
                continue
            # An ephemeral model is no relation: what it reads has to be there.
            missing += [".".join(node["fqn"])] if relation is not None else []
            left += reads_of(node)
        return sorted(missing)

    def package_relations(self) -> list[tuple[str, str]]:
        """Kind (table or view) and relation of every model that a build makes anew, what reads others first."""
        named = [
            ("view" if node["config"]["materialized"] == "view" else "table", node["relation_name"])
            for node in self._own_models()
            if not _keeps_the_past(node)
        ]
        return sorted(named, key=lambda relation: relation[0] != "view")

    def history_relations(self) -> list[str]:
        """The tables that keep what no build can make anew."""
        return [node["relation_name"] for node in self._own_models() if _keeps_the_past(node)]

    def _own_models(self) -> list[Mapping[str, Any]]:
        return [n for n in self._own() if n["resource_type"] == "model" and n["relation_name"]]

    def readers(self) -> list[str]:
        """The names of the user's models, snapshots and others that read a model of the package."""
        own = {f"model.{PACKAGE}.{node['name']}" for node in self._own()}
        return sorted(
            node["name"]
            for node in self.content["nodes"].values()
            if node["package_name"] != PACKAGE and own & set(reads_of(node))
        )

    def _own(self) -> list[Mapping[str, Any]]:
        return [n for n in self.content["nodes"].values() if n["package_name"] == PACKAGE]

    def _node(self, unique_id: str) -> Mapping[str, Any] | None:
        node: Mapping[str, Any] | None = self.content["nodes"].get(unique_id)
        return node or self.content["sources"].get(unique_id)

    def registry_tables(self) -> dict[str, str]:
        """Plain name → relation of every registry table."""
        return {source["name"]: source["relation_name"] for source in self._registry_sources()}

    def registry_place(self) -> tuple[str | None, str]:
        """Database (None where the engine has none) and schema of the registry."""
        source = self._registry_sources()[0]
        return source["database"], source["schema"]

    def _registry_sources(self) -> list[Mapping[str, Any]]:
        sources = self.content["sources"].values()
        return [s for s in sources if s["package_name"] == PACKAGE]


def reads_of(node: Mapping[str, Any]) -> list[str]:
    """The nodes that a node reads; a seed or a source reads none, and says nothing of it."""
    ids: list[str] = node.get("depends_on", {}).get("nodes", [])
    return ids


def _keeps_the_past(model: Mapping[str, Any]) -> bool:
    """Whether a full refresh leaves it as it is."""
    return model["config"].get("full_refresh") is False


def _is_readable(node: Mapping[str, Any]) -> bool:
    """Whether `ref` or `source` can name it; of a model with versions the latest."""
    kinds = ("model", "seed", "snapshot", "source")
    return node["resource_type"] in kinds and node.get("version") == node.get("latest_version")


def _place_of(node: Mapping[str, Any]) -> Place:
    return (
        (node["source_name"], node["name"]) if node["resource_type"] == "source" else node["name"]
    )


def _is_called(node: Mapping[str, Any], place: Place) -> bool:
    if not _is_readable(node):
        return False
    if isinstance(place, str) and "." in place:
        package, name = place.split(".", 1)
        return node["package_name"] == package and _place_of(node) == name
    return _place_of(node) == place


def _shown(place: Place) -> str:
    return place if isinstance(place, str) else ".".join(place)


def _table_of(node: Mapping[str, Any]) -> str:
    """Its relation as dbt writes it. Raises UsageError where the warehouse never has it."""
    relation: str | None = node["relation_name"]
    if relation is None:
        raise EphemeralModel(
            f"{_shown(_place_of(node))} is an ephemeral model, which the warehouse does not have; give it another "
            "materialization: `config(materialized='view')`"
        )
    return relation
