"""The user's dbt project: dbt called as a program, its artifacts read.

Relation names and effective variables come from `manifest.json`, results from `run_results.json`; nothing is taken from
logs, and no name is put together here. dbt's own runner is not used: it keeps the DuckDB file locked after it returns.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse_seg.dbt import environment
from warehouse_seg.dbt.environment import Environment
from warehouse_seg.dbt.manifest import PACKAGE, Manifest
from warehouse_seg.dbt.manifest_cache import ManifestCache
from warehouse_seg.dbt.process import imported_meanwhile, run_to_end
from warehouse_seg.errors import DbtFailed, UsageError
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.settings import Settings, settings_from

if TYPE_CHECKING:
    from warehouse_seg.warehouse.connection import Warehouse


IMPOSSIBLE_LINES = f"model.{PACKAGE}.seg_order_line_checks: Compilation Error"
"""The model that judges the order lines refuses them where nothing can be made of them: then the input is at fault."""

OWN_FOLDER = "warehouse_seg"
"""Below dbt's artifacts: what we keep, and where dbt works for commands that only read."""

TRACEBACK = re.compile(
    r"^[^\n]*Traceback \(most recent call last\):\n(?:[ \t]+[^\n]*\n)+", re.MULTILINE
)
"""What dbt prints before an error that it did not foresee; the error's own line stays."""


@dataclass(frozen=True)
class DbtProject:
    """A dbt project and the options that dbt is called with; what is not given is what dbt has in effect.

    vars: what the user gave with --vars, over the variables in dbt_project.yml
    called_from: the folder where dbt is called, and relative paths begin; None: the current one, as with dbt itself
    emit: receives what a person should know of the project itself
    """

    project_dir: Path = field(default_factory=Path.cwd)
    profiles_dir: Path | None = None
    profile: str | None = None
    target: str | None = None
    target_path: Path | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    called_from: Path | None = None
    emit: Emit = field(default=silent, compare=False)

    def ask(self, *modules: str) -> None:
        """Ask dbt what is in effect, and import these modules meanwhile: both take long, and one waits for another.

        Raises as `environment` does.
        """
        with imported_meanwhile(*modules):
            _ = self.environment

    @cached_property
    def environment(self) -> Environment:
        """What dbt has in effect here, asked once. Raises UsageError where there is no project, or dbt refuses it."""
        self.require_file()
        began = time.monotonic()
        finished = run_to_end(
            [sys.executable, "-P", "-m", environment.__name__, *self._given_options()],
            folder=str(self.called_from or Path.cwd()),
            variables={},
        )
        if finished.returncode != 0:
            raise UsageError(
                f"dbt cannot read the project and its profile:\n{finished.stderr.strip()}"
            )
        self._emit_asked("project and profile read by dbt", began)
        return Environment(**json.loads(finished.stdout))

    def _emit_asked(self, what: str, began: float) -> None:
        self.emit(Event.step(f"{what} ({time.monotonic() - began:z.1f} s)"))

    def require_file(self) -> None:
        """Raise UsageError where the folder has no dbt_project.yml."""
        if not (self.project_dir / "dbt_project.yml").exists():
            raise UsageError(
                f"found no dbt_project.yml in {self.project_dir.resolve()}; run this inside a dbt project "
                "or give --project-dir (a project to try it on: `warehouse-seg demo`)"
            )

    def written_settings(self) -> Settings:
        """The variables as the user wrote them, checked before dbt parses the project.

        Raises UsageError with every mistake at once.
        """
        scoped = self.environment.variables.get(PACKAGE) or {}
        return settings_from({**scoped, **self._package_vars(scoped)})

    def _package_vars(self, scoped: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of --vars what is for this package: other packages' variables come the same way."""
        known = set(Settings.model_fields)
        return {name: value for name, value in self.vars.items() if name in known | set(scoped)}

    def call(self, *arguments: str, artifacts: Path | None = None) -> None:
        """Run dbt; its talk is kept back and shown only where it fails.

        artifacts: where it writes them; by default where dbt has them
        Raises DbtFailed where a model or a test failed, UsageError where dbt could not start on the work (a locked
        file, a project that does not parse, no profile).
        """
        finished = run_to_end(
            [
                *dbt_program(),
                *arguments,
                *self._options(arguments[0], artifacts or self.artifacts),
            ],
            folder=self.environment.working_dir,
            variables={"DBT_USE_COLORS": "false", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        )
        if finished.returncode == 0:
            return
        from warehouse_seg.warehouse.connection import is_lock_error, lock_message  # noqa: PLC0415 - `--help` needs no driver

        stderr = finished.stdout + finished.stderr
        if is_lock_error(stderr):
            raise UsageError(lock_message("the profile's DuckDB file", stderr))
        if finished.returncode == 1 and (failures := self._failures()):
            if any(IMPOSSIBLE_LINES in failure for failure in failures):
                raise UsageError("the order lines cannot be right:\n" + "\n".join(failures))
            raise DbtFailed(f"`dbt {arguments[0]}` failed:\n" + "\n".join(failures))
        said = TRACEBACK.sub("", stderr).strip()
        raise UsageError(f"`dbt {' '.join(arguments)}` could not run:\n{said}")

    def build(self, selection: str) -> None:
        """Build and test what is selected. Raises as `call` does.

        A test that also reads models outside the selection, as a relationship test does, waits until these are built:
        on a fresh schema they are not there yet.
        """
        self.call("build", "--select", selection, "--indirect-selection", "buildable")

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

    @cached_property
    def artifacts(self) -> Path:
        """The folder of manifest.json and run_results.json: dbt's own, or a passing one where that is read only."""
        return self._writable(self.environment.target_path)

    @cached_property
    def _logs(self) -> Path:
        return self._writable(self.environment.log_path)

    @cached_property
    def _passing(self) -> tempfile.TemporaryDirectory[str]:
        """Goes when the project is no longer used."""
        return tempfile.TemporaryDirectory(prefix="warehouse-seg-")

    def _writable(self, folder: str) -> Path:
        existing = next(path for path in (Path(folder), *Path(folder).parents) if path.exists())
        return Path(folder) if os.access(existing, os.W_OK) else Path(self._passing.name)

    def parsed(self) -> Manifest:
        """What dbt says of the project now."""
        return self._parsed_in(self.artifacts)

    def parsed_before(self) -> Manifest:
        """The same, from the last command that asked for it where nothing has changed since.

        dbt works for it in a folder of our own: a manifest in dbt's folder may be of another target.
        """
        folder = self.artifacts / OWN_FOLDER
        cache = ManifestCache(folder, self.environment, self.vars, dbt_program()[0])
        fingerprint = cache.fingerprint()
        manifest = cache.kept(fingerprint)
        if manifest is None:
            manifest = self._parsed_in(folder)
            cache.keep(manifest, fingerprint)
        return manifest

    def _parsed_in(self, folder: Path) -> Manifest:
        began = time.monotonic()
        self.call("parse", artifacts=folder)
        self._emit_asked("project parsed by dbt", began)
        return self._manifest_in(folder)

    def last_manifest(self) -> Manifest:
        """The manifest that the last call of dbt wrote."""
        return self._manifest_in(self.artifacts)

    def _manifest_in(self, folder: Path) -> Manifest:
        path = folder / "manifest.json"
        try:
            manifest = Manifest(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            # dbt writes it in place: another dbt in this folder may be at it.
            raise UsageError(
                f"{path} cannot be read ({error}); is another dbt working in this project? Try again after it"
            ) from error
        manifest.require_package()
        return manifest

    @property
    def credentials(self) -> Mapping[str, Any]:
        """The connection of the profile's target, as dbt renders it."""
        return self.environment.credentials

    def warehouse(self, *, read_only: bool = False) -> Warehouse:
        """An open connection to the profile's database, opened as dbt opens it."""
        from warehouse_seg.warehouse.connection import open_profile  # noqa: PLC0415 - `--help` needs no driver

        asked = self.environment
        return open_profile(
            asked.credentials,
            Path(asked.working_dir),
            asked.read_only_opening if read_only else asked.opening,
            read_only=read_only,
        )

    def _options(self, command: str, folder: Path) -> list[str]:
        """Everything that dbt could read from elsewhere, said explicitly."""
        asked = self.environment
        # `dbt deps` writes no artifacts, and refuses the option.
        artifacts = {} if command == "deps" else {"--target-path": str(folder)}
        options = {
            "--project-dir": asked.project_dir,
            "--profiles-dir": asked.profiles_dir,
            "--profile": asked.profile,
            "--target": asked.target,
            **artifacts,
            "--log-path": str(self._logs),
            **self._vars_option(),
        }
        return [text for option in options.items() for text in option]

    def _given_options(self) -> list[str]:
        """The project's folder, and what the user said beside."""
        given = {
            "--profiles-dir": self.profiles_dir and str(self.profiles_dir.resolve()),
            "--profile": self.profile,
            "--target": self.target,
            "--target-path": self.target_path and str(self.target_path),
            **self._vars_option(),
        }
        options = [text for name, value in given.items() if value for text in (name, value)]
        return [str(self.project_dir.resolve()), *options]

    def _vars_option(self) -> dict[str, str]:
        return {"--vars": json.dumps(dict(self.vars), default=str)} if self.vars else {}


def default_project_dir() -> Path:
    """Where dbt looks for the project: DBT_PROJECT_DIR, this folder, the nearest one above that has a project."""
    for name in ("DBT_ENGINE_PROJECT_DIR", "DBT_PROJECT_DIR"):
        if named := os.environ.get(name):
            return Path(named)
    here = Path.cwd()
    above = (folder for folder in (here, *here.parents) if (folder / "dbt_project.yml").exists())
    return next(above, here)


def dbt_program() -> list[str]:
    """The dbt beside our interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name("dbt")
    return [str(beside)] if beside.exists() else ["dbt"]
