"""What every job starts with: a dbt project, what dbt says of it, and its registry."""

from __future__ import annotations

from dataclasses import dataclass, replace

from warehouse_seg.dbt.manifest import Manifest
from warehouse_seg.dbt.package_version import version_warning
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.events import Event
from warehouse_seg.registry.store import Registry
from warehouse_seg.settings import Preference, Settings
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Session:
    """A dbt project with its manifest and effective settings, at the start of a job."""

    project: DbtProject
    manifest: Manifest
    settings: Settings

    @classmethod
    def start(cls, project: DbtProject) -> Session:
        """Check what the user wrote, then ask dbt what it is in effect."""
        project.written_settings()
        return cls._of(project, project.parsed())

    @classmethod
    def for_reading(cls, project: DbtProject) -> Session:
        """The same for a command that changes no file: dbt is asked again only where something has changed since."""
        project.written_settings()
        return cls._of(project, project.parsed_before())

    @classmethod
    def after_dbt(cls, project: DbtProject) -> Session:
        """The same where dbt has just worked in the project: its manifest is there, and asking again takes seconds."""
        return cls._of(project, project.last_manifest())

    @classmethod
    def _of(cls, project: DbtProject, manifest: Manifest) -> Session:
        """Emits a warning, or raises UsageError, where the dbt package is of another release than the program."""
        if warning := version_warning(manifest.package_version()):
            project.emit(Event.warning(warning))
        return cls(project, manifest, manifest.settings())

    def with_preference(self, prefer: Preference) -> Session:
        """The session with this instead of the variable `model.prefer`."""
        model = self.settings.model.model_copy(update={"prefer": prefer})
        return replace(self, settings=self.settings.model_copy(update={"model": model}))

    def registry(self, warehouse: Warehouse) -> Registry:
        """The registry that the project's target uses. Raises UsageError where a newer release has upgraded it."""
        database, schema = self.manifest.registry_place()
        quoted = render("seg_schema_name", database, schema, warehouse.dialect)
        registry = Registry(warehouse, self.manifest.registry_tables(), quoted)
        registry.require_known_schema()
        return registry

    def require_own_registry(self, named: str | None) -> None:
        """Refuse to write a registry that is not the target's own, unless the user named it.

        named: the value of --registry
        """
        _, schema = self.manifest.registry_place()
        own = self.project.credentials["schema"]
        if schema not in (own, named):
            raise UsageError(
                f"the registry of this target is schema {schema!r}, not its own {own!r} (variable `registry_schema`). "
                f"If you mean to write there, repeat its name: --registry {schema}"
            )
