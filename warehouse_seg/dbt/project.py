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

from warehouse_seg.dbt.manifest import PACKAGE, Manifest
from warehouse_seg.errors import DbtFailed, UsageError
from warehouse_seg.settings import Settings, settings_from
from warehouse_seg.warehouse.connection import Warehouse, is_lock_error, lock_message, open_profile


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


def _dbt_program() -> list[str]:
    """The dbt beside our interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name("dbt")
    return [str(beside)] if beside.exists() else ["dbt"]
