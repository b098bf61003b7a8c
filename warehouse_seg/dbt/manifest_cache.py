"""What dbt said of a project, kept for the next command; used only where nothing has changed since.

The relations and settings of a project follow from the content of its files and packages, dbt's options, the profile's
target, variables, and environment variables. A fingerprint of all of them is kept beside what dbt said. Where it
differs in anything, and wherever it cannot be made, dbt is asked. The manifest in dbt's own target folder is never
read: another dbt may have written it for another target, and it does not say so.

Nothing secret is kept: the fingerprint is a hash with a key that lies in the user's own folder, and relations and
settings hold no credentials.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse_seg.dbt.environment import Environment
from warehouse_seg.dbt.manifest import PACKAGE, Manifest, reads_of
from warehouse_seg.dbt.package_version import program_version

FORMAT = 1
"""Of the kept file; another one is not read."""

FILE = "kept_manifest.json"
"""Beside the manifest.json that dbt itself writes there."""

TEXTS = (".sql", ".yml", ".yaml", ".py")
"""Files whose content decides on relations and settings. Of seeds and others the name does."""

NO_SOURCES = ("__pycache__", "node_modules")

NAMED_VARIABLE = re.compile(rb"env_var\s*\(\s*(['\"])([^'\"]+)\1")
ANY_VARIABLE = re.compile(rb"env_var\s*\(")

OF_THE_MOMENT = re.compile(
    r"\b(run_started_at|invocation_id)\b|\bmodules\s*\.\s*(datetime|pytz)\b|\bmodules\s*\["
)
"""What differs from call to call: a relation whose name comes of it cannot be kept."""

NAMING_MACROS = re.compile(r"generate_(database|schema|alias)_name$")
CONFIG_CALL = re.compile(r"\bconfig\s*\(")
CALL = re.compile(r"(\w+)\s*\(")
OF_THE_PROJECT = {"var", "env_var", "ref", "source"}
"""What a model's configuration may call, and the fingerprint covers."""

KEY_BYTES = 32

NODE_FIELDS = (
    "name",
    "fqn",
    "package_name",
    "resource_type",
    "relation_name",
    "source_name",
    "database",
    "schema",
    "version",
    "latest_version",
)


@dataclass(frozen=True)
class ManifestCache:
    """The place where a project's manifest is kept, beside dbt's own artifacts.

    folder: of our own, so that no other dbt writes there
    program: the dbt that is called
    """

    folder: Path
    environment: Environment
    variables: Mapping[str, Any]
    program: str

    def fingerprint(self) -> str | None:
        """A keyed hash of everything that relations and settings follow from; None where that is not known."""
        key = _key()
        try:
            texts = dict(self._files())
        except OSError:
            # A file that cannot be read, such as a broken link.
            return None
        names = _environment_variables(texts.values())
        if key is None or names is None:
            return None
        basis = {
            "format": FORMAT,
            "program": program_version(),
            "dbt": _stamp(self.program),
            "environment": self.environment.__dict__,
            "vars": dict(self.variables),
            "files": {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()},
            "variables": {name: os.environ.get(name) for name in sorted(names)},
        }
        text = json.dumps(basis, sort_keys=True, default=str)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def kept(self, fingerprint: str | None) -> Manifest | None:
        """What dbt said where everything was as now; None where nothing is kept, or something differs."""
        if fingerprint is None:
            return None
        try:
            content = json.loads((self.folder / FILE).read_text("utf-8"))
            is_same = hmac.compare_digest(content["fingerprint"], fingerprint)
            return Manifest(content["manifest"]) if is_same else None
        except (OSError, ValueError, KeyError, TypeError):
            # A file that is not ours, or not whole, is no answer.
            return None

    def keep(self, manifest: Manifest, fingerprint: str | None) -> None:
        """Keep what dbt said, unless a name in it is of the moment, or something changed while dbt was asked.

        fingerprint: from before dbt was asked
        """
        if fingerprint is None or fingerprint != self.fingerprint():
            return
        if self._is_of_the_moment(manifest.content):
            return
        content = {"fingerprint": fingerprint, "manifest": _reduced(manifest.content)}
        passing = self.folder / f"{FILE}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            passing.write_text(json.dumps(content), "utf-8")
            passing.replace(self.folder / FILE)
        except OSError:
            # Nothing is kept where nothing can be written, and the next command asks again.
            passing.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Path → content of every file that dbt reads of the project and its packages."""
        project = Path(self.environment.project_dir)
        skipped = {os.path.realpath(self.environment.target_path)}
        skipped.add(os.path.realpath(self.environment.log_path))
        folders = [project / folder for folder in self.environment.source_folders]
        roots = [path for path in project.iterdir() if path.suffix in (".yml", ".yaml")]
        for path in [*roots, *(file for folder in folders for file in _below(folder, skipped))]:
            yield str(path), path.read_bytes() if path.suffix in TEXTS else b""

    def _is_of_the_moment(self, content: Mapping[str, Any]) -> bool:
        """Whether the name of a relation may be another one in the next call, though nothing has changed."""
        yaml = (text for name, text in self._files() if name.endswith((".yml", ".yaml")))
        if any(OF_THE_MOMENT.search(text.decode("utf-8", "replace")) for text in yaml):
            return True
        if any(OF_THE_MOMENT.search(text) for text in _naming_texts(content["macros"])):
            return True
        own = (node for node in _nodes(content).values() if node["package_name"] != PACKAGE)
        return any(_is_configured_elsewhere(node.get("raw_code") or "") for node in own)


def _below(folder: Path, skipped: set[str]) -> Iterator[Path]:
    """Every file below a folder, links followed, each folder once."""
    seen = set(skipped)
    for root, folders, files in os.walk(folder, followlinks=True):
        here = os.path.realpath(root)
        if here in seen:
            folders.clear()
            continue
        seen.add(here)
        folders[:] = sorted(n for n in folders if n not in NO_SOURCES and not n.startswith("."))
        yield from (Path(root, name) for name in sorted(files))


def _environment_variables(texts: Iterable[bytes]) -> set[str] | None:
    """The environment variables that these texts refer to, with dbt's own; None where a name is put together."""
    names = {name for name in os.environ if name.startswith("DBT_")}
    for text in texts:
        named = NAMED_VARIABLE.findall(text)
        if len(named) != len(ANY_VARIABLE.findall(text)):
            return None
        names |= {name.decode("utf-8", "replace") for _, name in named}
    return names


def _stamp(program: str) -> tuple[str, int]:
    """Which program it is: its whole path and when it was written."""
    path = os.path.realpath(shutil.which(program) or program)
    return path, Path(path).stat().st_mtime_ns if Path(path).exists() else 0


def _key() -> bytes | None:
    """The key of this user's fingerprints, made where there is none; None where it cannot be kept."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        path = Path(cache).expanduser() / "warehouse_seg" / "key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Whole or not at all: an empty key would be nobody's.
            passing = path.with_name(f"key.{os.getpid()}")
            passing.touch(0o600)
            passing.write_bytes(secrets.token_bytes(KEY_BYTES))
            passing.replace(path)
        key = path.read_bytes()
    except (OSError, RuntimeError):
        return None
    return key if len(key) == KEY_BYTES else None


# ------------------------------------------------------------------------------------------------ parts of a manifest


def _nodes(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Unique id → the package's own nodes and sources, what they read, and what that reads."""
    known = {**content["nodes"], **content["sources"]}
    left = [key for key, node in known.items() if node["package_name"] == PACKAGE]
    nodes: dict[str, Mapping[str, Any]] = {}
    while left:
        key = left.pop()
        if key not in nodes and key in known:
            nodes[key] = known[key]
            left += reads_of(known[key])
    return nodes


def _reduced(content: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with what commands ask of it that do not ask dbt anew."""
    nodes = {key: _reduced_node(node) for key, node in _nodes(content).items()}
    return {
        "metadata": {"project_name": content["metadata"].get("project_name")},
        "nodes": {key: node for key, node in nodes.items() if not key.startswith("source.")},
        "sources": {key: node for key, node in nodes.items() if key.startswith("source.")},
        "disabled": {key: [] for key in content["disabled"] if f".{PACKAGE}." in key},
    }


def _reduced_node(node: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: node[name] for name in NODE_FIELDS if name in node}
    kept["depends_on"] = {"nodes": reads_of(node)}
    if node["package_name"] == PACKAGE:
        kept["config"] = {"meta": node["config"].get("meta", {})}
    return kept


def _naming_texts(macros: Mapping[str, Any]) -> list[str]:
    """The text of the macros that name databases, schemas and relations, and of all that they call."""
    left = [key for key in macros if NAMING_MACROS.search(key)]
    called: set[str] = set()
    while left:
        key = left.pop()
        if key in called or key not in macros:
            continue
        called.add(key)
        left += macros[key]["depends_on"]["macros"]
    return [macros[key]["macro_sql"] for key in sorted(called)]


def _is_configured_elsewhere(code: str) -> bool:
    """Whether a model's configuration is of the moment, or calls what may be."""
    for match in CONFIG_CALL.finditer(code):
        arguments = _until_closed(code[match.end() :])
        if OF_THE_MOMENT.search(arguments) or set(CALL.findall(arguments)) - OF_THE_PROJECT:
            return True
    return False


def _until_closed(text: str) -> str:
    """The text up to the bracket that closes the call.

    >>> _until_closed("schema=var('s')) }} select max(x)")
    "schema=var('s')"
    """
    depth = 1
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[:position]
    return text
