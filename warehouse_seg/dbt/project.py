"""The user's dbt project: dbt called as a program, its artifacts read.

Relation names and effective variables come from `manifest.json`, results from `run_results.json`; nothing is taken from
logs, and no name is put together here. dbt's own runner is not used: it keeps the DuckDB file locked after it returns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from warehouse_seg.errors import DbtFailed, UsageError, nearest
from warehouse_seg.settings import Settings, settings_from
from warehouse_seg.warehouse.connection import Warehouse, is_lock_error, lock_message, open_profile

PACKAGE = "warehouse_seg"


@dataclass(frozen=True)
class DbtProject:
    """A dbt project and the options that dbt is called with.

    vars: what the user gave with --vars, over the variables in dbt_project.yml
    """

    project_dir: Path = field(default_factory=Path.cwd)
    profiles_dir: Path | None = None
    profile: str | None = None
    target: str | None = None
    target_path: Path | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def definition(self) -> Mapping[str, Any]:
        """The content of dbt_project.yml. Raises UsageError where there is none."""
        path = self.project_dir / "dbt_project.yml"
        if not path.exists():
            raise UsageError(
                f"found no dbt_project.yml in {self.project_dir.resolve()}; run this inside a dbt project "
                "or give --project-dir (a project to try it on: `warehouse-seg demo`)"
            )
        try:
            content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        except YAMLError as error:
            raise UsageError(f"{path} is not valid YAML: {error}") from error
        return content if isinstance(content, Mapping) else {}

    def written_settings(self) -> Settings:
        """The variables as the user wrote them, checked before dbt is called.

        Raises UsageError with every mistake at once.
        """
        scoped = (self.definition.get("vars") or {}).get(PACKAGE) or {}
        return settings_from({**scoped, **self._package_vars(scoped)})

    def _package_vars(self, scoped: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of --vars what is for this package: other packages' variables come the same way."""
        known = set(Settings.model_fields)
        return {name: value for name, value in self.vars.items() if name in known | set(scoped)}

    def call(self, *arguments: str) -> None:
        """Run dbt; its talk is kept back and shown only where it fails.

        Raises DbtFailed where a model or a test failed, UsageError where dbt could not start on the work (a locked
        file, a project that does not parse, no profile).
        """
        command = [*_dbt_program(), *arguments, *self._options()]
        finished = subprocess.run(
            command,
            cwd=self.project_dir,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"DBT_USE_COLORS": "false", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        )
        if finished.returncode == 0:
            return
        stderr = finished.stdout + finished.stderr
        if is_lock_error(stderr):
            raise UsageError(lock_message("the profile's DuckDB file", stderr))
        if finished.returncode == 1 and (failures := self._failures()):
            raise DbtFailed(f"`dbt {arguments[0]}` failed:\n" + "\n".join(failures))
        raise UsageError(f"`dbt {' '.join(arguments)}` could not run:\n{stderr.strip()}")

    def _failures(self) -> list[str]:
        path = self.artifacts / "run_results.json"
        results = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
        return [
            f"  {result['unique_id']}: {(result['message'] or result['status']).strip()}"
            for result in results
            if result["status"] in ("error", "fail", "runtime error")
        ]

    def warnings(self) -> list[str]:
        """Names and messages of the data tests that warned in the last call."""
        path = self.artifacts / "run_results.json"
        results = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
        return [f"{r['unique_id']}: {r['message']}" for r in results if r["status"] == "warn"]

    @property
    def artifacts(self) -> Path:
        """The folder of manifest.json and run_results.json."""
        named = self.target_path or os.environ.get("DBT_TARGET_PATH")
        return self.project_dir / (named or self.definition.get("target-path") or "target")

    def last_manifest(self) -> Manifest:
        """The manifest that the last call of dbt wrote."""
        path = self.artifacts / "manifest.json"
        try:
            manifest = Manifest(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            # dbt writes it in place: another dbt in this folder may be at it.
            raise UsageError(
                f"{path} cannot be read ({error}); is another dbt working in this project? Try again after it"
            ) from error
        manifest.require_package()
        return manifest

    @cached_property
    def credentials(self) -> Mapping[str, Any]:
        """The connection of the profile's target, as dbt renders it. Raises UsageError where dbt cannot."""
        finished = subprocess.run(
            [
                sys.executable,
                "-m",
                "warehouse_seg.dbt.profile",
                *self._connection_options(),
            ],
            cwd=self.project_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise UsageError(f"dbt cannot read the profile:\n{finished.stderr.strip()}")
        content: Mapping[str, Any] = json.loads(finished.stdout)
        return content

    def warehouse(self, *, read_only: bool = False) -> Warehouse:
        """An open connection to the profile's database."""
        return open_profile(self.credentials, self.project_dir, read_only=read_only)

    def _options(self) -> list[str]:
        options = ["--project-dir", str(self.project_dir.resolve())]
        named = {
            "--profiles-dir": self.profiles_dir and str(self.profiles_dir.resolve()),
            "--profile": self.profile,
            "--target": self.target,
            "--target-path": self.target_path and str(self.target_path),
            "--vars": json.dumps(dict(self.vars)) if self.vars else None,
        }
        return options + [text for name, value in named.items() if value for text in (name, value)]

    def _connection_options(self) -> list[str]:
        folder = self.profiles_dir or os.environ.get("DBT_PROFILES_DIR") or self._usual_profiles()
        options = {
            "--project-dir": self.project_dir.resolve(),
            "--profiles-dir": Path(folder).resolve(),
            "--profile": self.profile,
            "--target": self.target,
            "--vars": json.dumps(dict(self.vars)) if self.vars else None,
        }
        return [str(text) for name, value in options.items() if value for text in (name, value)]

    def _usual_profiles(self) -> Path:
        """Where dbt looks: the project's folder (our working directory), then the home."""
        beside = self.project_dir / "profiles.yml"
        return self.project_dir if beside.exists() else Path.home() / ".dbt"


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


def _dbt_program() -> list[str]:
    """The dbt beside our interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name("dbt")
    return [str(beside)] if beside.exists() else ["dbt"]
