"""What dbt said is used again only where nothing that it follows from has changed, and nothing secret is kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.small_shop import environment_of
from warehouse_seg.dbt import manifest_cache
from warehouse_seg.dbt.manifest import Manifest
from warehouse_seg.dbt.manifest_cache import ManifestCache
from warehouse_seg.dbt.project import DbtProject

SECRET = "correct horse battery staple"  # noqa: S105 - of nobody
CREDENTIALS = {"type": "postgres", "schema": "analytics", "password": SECRET}
NAMING = "{% macro generate_schema_name(name, node) %}{{ name }}{% endmacro %}"
FILES = {
    "dbt_project.yml": "name: shop\nvars: {warehouse_seg: {transactions: lines}}",
    "packages.yml": "packages: []",
    "models/staging/lines.sql": "select 1 as customer_id",
    "models/staging/lines.yml": "models: [{name: lines}]",
    "models/regional.sql": "{{ config(schema=env_var('REGION')) }} select 1",
    "macros/naming.sql": NAMING,
    "seeds/codes.csv": "code\n1\n",
    "dbt_packages/warehouse_seg/dbt_project.yml": "name: warehouse_seg\nversion: 0.1.0",
    "target/compiled/lines.sql": "select 1",
}


def node(name: str, package: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "package_name": package,
        "resource_type": "model",
        "relation_name": f"analytics.{name}",
        "depends_on": {"nodes": [], "macros": []},
        "config": {"meta": {}},
        "raw_code": "select 1",
        **fields,
    }


def content(code: str = "select 1", naming: str = NAMING) -> dict[str, Any]:
    """A manifest: the package's features, which read the user's model, and another model of the user."""
    features = node(
        "seg_customer_features",
        "warehouse_seg",
        depends_on={"nodes": ["model.shop.lines"], "macros": []},
        config={"meta": {"warehouse_seg": {"transactions": "lines"}}},
    )
    macros = {
        "macro.shop.generate_schema_name": {
            "macro_sql": "{{ called() }}",
            "depends_on": {"macros": ["macro.shop.called"]},
        },
        "macro.shop.called": {"macro_sql": naming, "depends_on": {"macros": []}},
    }
    return {
        "metadata": {"project_name": "shop"},
        "nodes": {
            "model.warehouse_seg.seg_customer_features": features,
            "model.shop.lines": node("lines", "shop", raw_code=code),
            "model.shop.unrelated": node("unrelated", "shop"),
        },
        "sources": {},
        "disabled": {},
        "macros": macros,
    }


@dataclass(frozen=True)
class Project:
    folder: Path
    cache: ManifestCache

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def with_environment(self, **changes: Any) -> ManifestCache:
        return replace(self.cache, environment=replace(self.cache.environment, **changes))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("REGION", "north")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text(FILES["dbt_project.yml"])
    environment = environment_of(DbtProject(project_dir=folder), CREDENTIALS)
    cache = ManifestCache(folder / "target" / "warehouse_seg", environment, {}, "dbt")
    made = Project(folder, cache)
    for name, text in FILES.items():
        made.write(name, text)
    return made


def kept_anew(cache: ManifestCache) -> ManifestCache:
    """The cache with a manifest in it."""
    fingerprint = cache.fingerprint()
    assert fingerprint is not None
    cache.keep(Manifest(content()), fingerprint)
    assert cache.kept(fingerprint) is not None
    return cache


EDITS: dict[str, Callable[[Project], None]] = {
    "a variable": lambda p: p.write("dbt_project.yml", "name: shop\nvars: {}"),
    "a package more": lambda p: p.write("packages.yml", "packages: [{local: other}]"),
    "the lock of packages": lambda p: p.write("package-lock.yml", "sha1_hash: 1"),
    "a model": lambda p: p.write("models/staging/lines.sql", "select 2 as customer_id"),
    "a model's YAML": lambda p: p.write("models/staging/lines.yml", "models: []"),
    "a new model": lambda p: p.write("models/new.sql", "select 1"),
    "a model less": lambda p: (p.folder / "models/staging/lines.sql").unlink(),
    "a macro": lambda p: p.write("macros/naming.sql", NAMING + " "),
    "a new seed": lambda p: p.write("seeds/more.csv", "code\n"),
    "a newer package": lambda p: p.write(
        "dbt_packages/warehouse_seg/dbt_project.yml", "name: warehouse_seg\nversion: 0.2.0"
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_file_is_another_project(
    project: Project, edit: Callable[[Project], None]
) -> None:
    cache = kept_anew(project.cache)
    edit(project)
    assert cache.kept(cache.fingerprint()) is None


def test_a_file_with_the_same_size_and_time_is_read(project: Project) -> None:
    cache = kept_anew(project.cache)
    path = project.folder / "models/staging/lines.sql"
    before = path.stat()
    path.write_text(path.read_text().replace("1", "2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.kept(cache.fingerprint()) is None


@pytest.mark.parametrize(
    "changes",
    {
        "target": {"target": "prod"},
        "profile": {"profile": "other"},
        "schema": {"credentials": CREDENTIALS | {"schema": "prod"}},
        "password": {"credentials": CREDENTIALS | {"password": "other"}},
        "dbt": {"dbt_version": "dbt-core 1.12.0"},
        "folders": {"source_folders": ["models"]},
    }.items(),
    ids=lambda changes: changes[0],
)
def test_another_answer_of_dbt_is_another_project(
    project: Project, changes: tuple[str, dict[str, Any]]
) -> None:
    kept_anew(project.cache)
    other = project.with_environment(**changes[1])
    assert other.kept(other.fingerprint()) is None


def test_other_variables_are_another_project(project: Project) -> None:
    kept_anew(project.cache)
    other = replace(project.cache, variables={"categories": 3})
    assert other.kept(other.fingerprint()) is None


@pytest.mark.parametrize("name", ["REGION", "DBT_SCHEMA", "DBT_ENV_SECRET_TOKEN"])
def test_another_environment_is_another_project(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cache = kept_anew(project.cache)
    monkeypatch.setenv(name, "south")
    assert cache.kept(cache.fingerprint()) is None


def test_another_release_of_the_program_is_another_project(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = kept_anew(project.cache)
    monkeypatch.setattr(manifest_cache, "program_version", lambda: "9.9.9")
    assert cache.kept(cache.fingerprint()) is None


def test_what_decides_nothing_changes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = kept_anew(project.cache)
    monkeypatch.setenv("SHLVL", "7")
    project.write("target/compiled/lines.sql", "select 2")
    project.write("seeds/codes.csv", "code\n2\n")
    (project.folder / "models/staging/lines.sql").touch()
    assert cache.kept(cache.fingerprint()) is not None


def test_a_variable_whose_name_is_put_together_is_not_known(project: Project) -> None:
    project.write("models/odd.sql", "select '{{ env_var(prefix ~ 'REGION') }}'")
    assert project.cache.fingerprint() is None


@pytest.mark.parametrize(
    ("code", "naming"),
    {
        "a schema of the moment": (
            "select 1",
            "{% macro called() %}{{ run_started_at.date() }}{% endmacro %}",
        ),
        "a schema of another moment": ("select 1", "{{ modules.datetime.date.today() }}"),
        "a configuration of the moment": ("{{ config(alias='x' ~ invocation_id) }}", NAMING),
        "a configuration by a macro": ("{{ config(schema=schema_of('x')) }}", NAMING),
    }.values(),
)
def test_names_of_the_moment_are_not_kept(project: Project, code: str, naming: str) -> None:
    fingerprint = project.cache.fingerprint()
    project.cache.keep(Manifest(content(code, naming)), fingerprint)
    assert project.cache.kept(fingerprint) is None


def test_yaml_of_the_moment_is_not_kept(project: Project) -> None:
    project.write("models/sources.yml", 'sources: [{schema: "{{ run_started_at }}"}]')
    fingerprint = project.cache.fingerprint()
    project.cache.keep(Manifest(content()), fingerprint)
    assert project.cache.kept(fingerprint) is None


def test_a_body_of_the_moment_is_kept(project: Project) -> None:
    code = "{{ config(schema=var('s')) }} select '{{ run_started_at }}' as loaded_at"
    fingerprint = project.cache.fingerprint()
    project.cache.keep(Manifest(content(code)), fingerprint)
    assert project.cache.kept(fingerprint) is not None


def test_what_changes_while_dbt_is_asked_is_not_kept(project: Project) -> None:
    fingerprint = project.cache.fingerprint()
    project.write("models/new.sql", "select 1")
    project.cache.keep(Manifest(content()), fingerprint)
    assert project.cache.kept(fingerprint) is None
    assert project.cache.kept(project.cache.fingerprint()) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"fingerprint": 1, "manifest": {}}'])
def test_a_spoiled_file_is_no_answer(project: Project, text: str) -> None:
    cache = kept_anew(project.cache)
    (cache.folder / manifest_cache.FILE).write_text(text)
    assert cache.kept(cache.fingerprint()) is None


def test_what_is_kept_is_what_is_asked_for(project: Project) -> None:
    cache = kept_anew(project.cache)
    manifest = cache.kept(cache.fingerprint())
    assert manifest is not None
    assert set(manifest.content["nodes"]) == {
        "model.warehouse_seg.seg_customer_features",
        "model.shop.lines",
    }
    for kept in (manifest, Manifest(content())):
        assert kept.relation("seg_customer_features") == "analytics.seg_customer_features"
        assert kept.relation_read("seg_customer_features", "lines") == "analytics.lines"


def test_nothing_secret_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_ENV_SECRET_TOKEN", SECRET)
    kept_anew(project.cache)
    for path in project.cache.folder.iterdir():
        assert SECRET not in path.read_text()
    key = project.folder.parent / "cache" / "warehouse_seg" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes().hex() not in (project.cache.folder / manifest_cache.FILE).read_text()


def test_another_key_is_another_fingerprint(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = project.cache.fingerprint()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert project.cache.fingerprint() not in (own, None)


def test_without_a_place_for_the_key_nothing_is_kept(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert project.cache.fingerprint() is None
    project.cache.keep(Manifest(content()), None)
    assert not (project.cache.folder / manifest_cache.FILE).exists()


def test_a_package_that_contains_the_project_ends(project: Project) -> None:
    (project.folder / "dbt_packages" / "loop").symlink_to(project.folder)
    assert project.cache.fingerprint() is not None


def test_a_file_that_cannot_be_read_is_no_fingerprint(project: Project) -> None:
    (project.folder / "models" / "gone.sql").symlink_to(project.folder / "nowhere.sql")
    assert project.cache.fingerprint() is None


def test_what_parents_read_is_kept_too(project: Project) -> None:
    whole = content()
    whole["nodes"]["model.shop.lines"]["depends_on"]["nodes"] = ["seed.shop.codes"]
    whole["nodes"]["seed.shop.codes"] = node("codes", "shop") | {"depends_on": {"macros": []}}
    for each in whole["nodes"].values():
        each["fqn"] = [each["package_name"], each["name"]]
    fingerprint = project.cache.fingerprint()
    project.cache.keep(Manifest(whole), fingerprint)
    kept = project.cache.kept(fingerprint)
    assert kept is not None
    for manifest in (kept, Manifest(whole)):
        assert manifest.missing_parents(lambda _: False) == ["shop.codes", "shop.lines"]
