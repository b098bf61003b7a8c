"""A stored model as a JSON file, and the file as a stored model again: how a model moves between registries.

The file carries the whole model with exact doubles, its fingerprint, a checksum of everything, and which models its
registry has: what a segment key means is decided per registry, and the target must know whether both mean the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from warehouse_seg.dbt.package_version import program_version
from warehouse_seg.errors import UsageError
from warehouse_seg.model.segment_matching import SegmentMatch, SegmentMatching, Verdict
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.values import Frozen, SegmentKey
from warehouse_seg.registry.store import Registry

FORMAT_VERSION = 1
"""The shape of the file that this release writes and reads."""

MAX_BYTES = 64 * 2**20
"""A model of 50 segments and 100 features takes about 20 MiB."""

FORMAT_KEY = "warehouse_seg_model"
"""The key that tells such a file from any other JSON; its value is the format's version."""


class KnownModel(Frozen):
    """A model of the registry that a file comes from: its fingerprint and the keys of its segments."""

    fingerprint: str
    segment_keys: tuple[SegmentKey, ...]


class ExportedMatch(Frozen):
    """A row of `seg_model_segment_matches`, without the numbers of the versions, which are those of one registry."""

    verdict: Verdict
    segment_key: SegmentKey | None
    previous_segment_key: SegmentKey | None
    customers: int
    share_of_previous: float
    share_of_segment: float
    affinity: float | None

    def as_match(self) -> SegmentMatch:
        """The match as a new row of a registry is made from it."""
        return SegmentMatch(**self.model_dump())


class ExportedMatching(Frozen):
    """What became of the segments of the model with this fingerprint, from which the exported one went on."""

    previous_fingerprint: str
    kept_share: float
    matches: tuple[ExportedMatch, ...]


class ExportedModel(Frozen):
    """The content of a file.

    checksum: SHA-256 of all other keys, as JSON with sorted keys
    registry_models: every complete version of the registry that it comes from
    """

    warehouse_seg_model: Literal[1] = 1
    package_version: str
    fingerprint: str
    model: SegmentModel
    segment_matching: ExportedMatching | None = None
    registry_models: tuple[KnownModel, ...] = Field(min_length=1)
    checksum: str = ""

    def to_json(self) -> str:
        """The file's text; every double reads back equal, to the last bit."""
        content = json.loads(self.model_dump_json())
        content["checksum"] = checksum_of(content)
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def checksum_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the parsed content of a file without its checksum."""
    covered = {key: value for key, value in content.items() if key != "checksum"}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def exported(registry: Registry, version: int | None) -> ExportedModel:
    """A complete, checked version of the registry, or the active one. Raises UsageError where it is none."""
    model = registry.stored(version)
    fingerprints = fingerprints_of(registry)
    return ExportedModel(
        package_version=program_version(),
        fingerprint=model.fingerprint,
        model=model,
        segment_matching=_matching(registry, model.model_version, fingerprints),
        registry_models=tuple(
            KnownModel(fingerprint=fingerprints[number], segment_keys=tuple(sorted(keys)))
            for number, keys in registry.keys_of_versions().items()
        ),
    )


def fingerprints_of(registry: Registry) -> dict[int, str]:
    """Complete version → fingerprint."""
    return {int(row["model_version"]): row["fingerprint"] or "" for row in registry.models()}


def _matching(
    registry: Registry, version: int, fingerprints: Mapping[int, str]
) -> ExportedMatching | None:
    rows = [row for row in registry.segment_matches() if row["model_version"] == version]
    if not rows or rows[0]["previous_model_version"] not in fingerprints:
        return None
    return ExportedMatching(
        previous_fingerprint=fingerprints[rows[0]["previous_model_version"]],
        kept_share=rows[0]["kept_share"],
        matches=tuple(
            ExportedMatch(**{name: row[name] for name in ExportedMatch.model_fields})
            for row in rows
        ),
    )


def parsed(content: bytes, source: str) -> ExportedModel:
    """The exported model in a file's bytes, checked.

    source: what to call the file in messages
    Raises UsageError, in a sentence, for anything but an unchanged file of `warehouse-seg export`.
    """
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"{source} has {len(content):,} bytes, more than the {MAX_BYTES:,} that a model can have; "
            "give the file that `warehouse-seg export N --output FILE` wrote"
        )
    values = _json_of(content, source)
    _require_format(values, source)
    try:
        model = ExportedModel.model_validate(values)
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"])) or "the whole"
        raise UsageError(
            f"{source} holds no model: {place}: {detail['msg']}, found {detail['input']!r:.80}. Export it again "
            "(`warehouse-seg export N --output FILE`)"
        ) from error
    _require_unchanged(model, values, source)
    return model


def _json_of(content: bytes, source: str) -> dict[str, Any]:
    try:
        text = content.decode("utf-8-sig")
        values = json.loads(
            text,
            object_pairs_hook=_object_of,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(
            f"{source} cannot be read as JSON: {problem}. Export the model again "
            "(`warehouse-seg export N --output FILE`), and copy the file as it is"
        ) from error
    return values if isinstance(values, dict) else {}


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys differ and whose texts every engine can store."""
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"an object has the key {repeated[0]!r} twice")
    for name, value in pairs:
        for text in (name, *(value if isinstance(value, list) else (value,))):
            if isinstance(text, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
                raise ValueError(f"{name!r} has a null character or half a character")
    return dict(pairs)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"found {name}, which is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text:.40} is not finite")
    return number


def _require_format(values: Mapping[str, Any], source: str) -> None:
    version = values.get(FORMAT_KEY)
    if type(version) is not int:
        raise UsageError(
            f"{source} is not a model that `warehouse-seg export` wrote: it has no key {FORMAT_KEY!r} with the version "
            "of the format. Write one where the model is: `warehouse-seg export N --output FILE`"
        )
    if version != FORMAT_VERSION:
        raise UsageError(
            f"{source} has format version {version}, this program reads {FORMAT_VERSION} (warehouse-seg "
            f"{program_version()}). Upgrade it here (`pip install -U warehouse-seg`), or export with the same release"
        )


def _require_unchanged(exported: ExportedModel, values: Mapping[str, Any], source: str) -> None:
    if exported.model.fingerprint != exported.fingerprint:
        problem = (
            f"its numbers have the fingerprint {exported.model.fingerprint}, the stated one is "
            f"{exported.fingerprint}"
        )
    elif checksum_of(values) != exported.checksum:
        problem = "its content has another checksum than the stated one"
    else:
        return
    raise UsageError(
        f"{source} was changed after its export: {problem}. Nothing was stored; export the model again "
        "(`warehouse-seg export N --output FILE`)"
    )


def stored_version(registry: Registry, exported: ExportedModel) -> int | None:
    """The first version of the registry that is this very model; None where it has none."""
    fingerprints = fingerprints_of(registry)
    same = [number for number, text in fingerprints.items() if text == exported.fingerprint]
    return min(same, default=None)


def require_same_segments(registry: Registry, exported: ExportedModel) -> None:
    """Raise UsageError where a key of the model belongs to another segment in this registry.

    A registry gives no key twice, so the first version that has a key says which segment it is. Where that version is a
    model of the file's registry too, and has the key there, both mean the same segment; otherwise nobody can say so.
    """
    fingerprints = fingerprints_of(registry)
    known = {model.fingerprint: set(model.segment_keys) for model in exported.registry_models}
    first: dict[str, int] = {}
    for version, keys in registry.keys_of_versions().items():
        for key in keys:
            first.setdefault(key, version)
    foreign = [
        component.segment_key
        for component in exported.model.components
        if component.segment_key in first
        and component.segment_key not in known.get(fingerprints[first[component.segment_key]], ())
    ]
    if foreign:
        versions = sorted({first[key] for key in foreign})
        raise UsageError(
            f"the model's segment keys {', '.join(foreign)} belong to other segments in this registry (first in "
            f"version {', '.join(map(str, versions))}, which the model's own registry does not have): tables and "
            "dashboards would take them for the same. Nothing was stored. Import into a registry of its own "
            "(`registry_schema`), or fit here (`warehouse-seg fit`)"
        )


def matching_here(registry: Registry, exported: ExportedModel) -> SegmentMatching | None:
    """What became of the segments of the model before, where this registry has that model too."""
    matching = exported.segment_matching
    if matching is None:
        return None
    fingerprints = fingerprints_of(registry)
    same = [n for n, text in fingerprints.items() if text == matching.previous_fingerprint]
    if not same:
        return None
    return SegmentMatching(
        model=exported.model,
        previous_model_version=min(same),
        matches=tuple(match.as_match() for match in matching.matches),
        kept_share=matching.kept_share,
        kept_shares={},
    )
