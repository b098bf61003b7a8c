"""What dbt says of a project: relation names, effective variables, the registry's place, from `manifest.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.settings import Settings, settings_from

PACKAGE = "warehouse_seg"


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

    def input_relation(self, place: str | tuple[str, str]) -> str | None:
        """The relation of a model (`name`, `package.name`) or a source (source, table); None for an ephemeral model.

        Raises UsageError where dbt knows no such model or source.
        """
        if isinstance(place, str):
            kind, wanted = "model", place.split(".")[-1]
            nodes = self.content["nodes"].values()
            known = {node["name"]: node for node in nodes if node["resource_type"] == "model"}
        else:
            kind, wanted = "source", ".".join(place)
            nodes = self.content["sources"].values()
            known = {f"{node['source_name']}.{node['name']}": node for node in nodes}
        if wanted not in known:
            raise UsageError(
                f"this dbt project has no {kind} {wanted}{nearest(wanted, known)}. "
                "Write a model as MODEL and a source as SOURCE.TABLE"
            )
        relation: str | None = known[wanted]["relation_name"]
        return relation

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
