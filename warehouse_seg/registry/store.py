"""The registry: every fitted model as numbers in the warehouse, and which one is active.

Publishing is one row. All rows of a version are written first; the single-row insert into
`seg_model_activations` makes it active. A crash before that row leaves the old model active, on every engine,
with no transaction over several tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from warehouse_seg.errors import UsageError
from warehouse_seg.model.segment_matching import SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.registry.migrations import migrate, require_known_schema, schema_version
from warehouse_seg.registry.relations import Relations, now
from warehouse_seg.registry.rows import Row, error_text, model_of, rows_of, warning_texts
from warehouse_seg.registry.tables import TABLES
from warehouse_seg.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Registry:
    """The registry in one schema.

    tables: plain name → the relation's name as dbt wrote it
    schema: the schema's name as SQL text, made where it is missing
    """

    warehouse: Warehouse
    tables: Mapping[str, str]
    schema: str

    @cached_property
    def _relations(self) -> Relations:
        return Relations(self.warehouse, self.tables, self.schema)

    def require_known_schema(self) -> None:
        """Raise UsageError where a newer release of the package has upgraded the tables."""
        require_known_schema(self._relations)

    def schema_version(self) -> int:
        """The form that the registry's tables have."""
        return schema_version(self._relations)

    def activations(self) -> list[Row]:
        """Every activation, the newest first."""
        order = "activation desc, activated_at desc, model_version desc"
        return self._select("seg_model_activations", order)

    def active_version(self) -> int | None:
        """The active model's version, or None before the first fit."""
        activations = self.activations()
        return int(activations[0]["model_version"]) if activations else None

    def segment_keys(self) -> list[str]:
        """Every segment key that was ever given out, by killed fits too: none is given again."""
        rows = self._select("seg_model_components", "model_version, component")
        return sorted({row["segment_key"] for row in rows if row["segment_key"]})

    def keys_of_versions(self) -> dict[int, frozenset[str]]:
        """Complete version → the keys of its segments, the oldest first."""
        rows = self._select("seg_model_components", "model_version, component")
        complete = sorted(row["model_version"] for row in self.models())
        return {
            version: frozenset(r["segment_key"] for r in rows if r["model_version"] == version)
            for version in complete
        }

    def models(self) -> list[Row]:
        """One row per complete version, the newest first."""
        return self._select("seg_models", "model_version desc")

    def warnings(self, version: int | None) -> list[str]:
        """What to know before using a version, in sentences; nothing where there is no such version."""
        rows = [row for row in self.models() if row["model_version"] == version]
        return [text for row in rows for text in warning_texts(row)]

    def segment_matches(self) -> list[Row]:
        """What became of the segments in every version that had one before it, the newest version first."""
        return self._select(
            "seg_model_segment_matches", "model_version desc, previous_segment_key, segment_key"
        )

    def stored(self, version: int | None) -> SegmentModel:
        """The model of this version, or the active one. Raises UsageError where there is none."""
        wanted = version if version is not None else self.active_version()
        if wanted is None:
            raise UsageError("no model is active yet; run `warehouse-seg fit`")
        return self.read(wanted)

    def read(self, version: int) -> SegmentModel:
        """The stored model of this version, equal to the one that was published (its candidates ordered by shape).

        Raises UsageError where there is no such version, where two fits took its number, where its rows are no model.
        """
        rows = [row for row in self.models() if row["model_version"] == version]
        if len(rows) != 1:
            stored = sorted({row["model_version"] for row in self.models()})
            problem = "found no such model version" if not rows else "two fits took this number"
            raise UsageError(
                f"model version {version}: {problem}; stored versions: {stored or 'none'}. "
                "Name another one, or run `warehouse-seg fit`"
            )
        try:
            return self._whole_model(rows[0])
        except ValueError as error:
            raise UsageError(
                f"model version {version} in the registry cannot be used: {error_text(error)}. "
                "Activate another version (`warehouse-seg models`) or fit a new one (`warehouse-seg fit`)"
            ) from error

    def _whole_model(self, row: Row) -> SegmentModel:
        """The model of a row of `seg_models`. Raises ValueError where the rows are no model, or not those published."""
        version = row["model_version"]
        model = model_of(
            row,
            self._select("seg_model_features", "position", version),
            self._select("seg_model_components", "component", version),
            self._select("seg_model_categories", "position", version),
            self._select("seg_model_candidates", "n_components, covariance_type", version),
        )
        if model.fingerprint != row["fingerprint"]:
            raise ValueError(
                f"its numbers are not those that were published: their fingerprint is {model.fingerprint}, the stored "
                f"one {row['fingerprint']}"
            )
        return model

    def publish(self, model: SegmentModel, matching: SegmentMatching | None = None) -> SegmentModel:
        """Store the model under the next free version, without making it active; the model with that version.

        matching: what became of the segments of the version before, where there is one
        Raises UsageError where another fit took the same number at the same moment.
        """
        migrate(self._relations)
        numbered = model.model_copy(update={"model_version": self._next_version()})
        for name, rows in rows_of(numbered, matching).items():
            self._relations.insert(name, rows)
            self._refuse_foreign_rows(name, rows, numbered.model_version)
        if self.read(numbered.model_version).fingerprint != numbered.fingerprint:
            raise UsageError(_number_taken(numbered.model_version))
        return numbered

    def activate(self, version: int, action: str, reason: str, *, expected: int | None) -> None:
        """Make a stored version the active one: one row.

        expected: the version that the caller found active; if it has changed meanwhile, nothing is activated.
        Raises UsageError for that, and for a version that is not stored whole.
        """
        self.read(version)
        # Before the history is read: nothing may come between reading it and the one row.
        migrate(self._relations)
        history = self.activations()
        current = history[0]["model_version"] if history else None
        if current != expected:
            raise UsageError(_overtaken(version, current, expected))
        row = {
            "activation": history[0]["activation"] + 1 if history else 1,
            "model_version": version,
            "activated_at": now(),
            "action": action,
            "reason": reason,
        }
        self._relations.insert("seg_model_activations", [row])
        if (active := self.active_version()) != version:
            raise UsageError(_overtaken(version, active, expected))

    def _next_version(self) -> int:
        """One more than any number in any table: what a killed fit left behind is never mixed in."""
        largest = 0
        for name in TABLES:
            rows = self.warehouse.rows(
                f"select max(model_version) as largest from {self.tables[name]}"
            )
            largest = max(largest, rows[0]["largest"] or 0)
        return largest + 1

    def _refuse_foreign_rows(self, name: str, rows: Sequence[Row], version: int) -> None:
        """Stop as soon as a table has more rows of this version than were written: another fit has the number too.

        The candidates are written first, and no score depends on them: of two fits that meet, at most one goes on.
        """
        if len(self._select(name, "model_version", version)) > len(rows):
            raise UsageError(_number_taken(version))

    def _select(self, name: str, order_by: str, version: int | None = None) -> list[Row]:
        return self._relations.select(name, order_by, version)


def _overtaken(version: int, active: int | None, expected: int | None) -> str:
    return (
        f"while this was working another fit or activation made version {active} active (it was {expected}). "
        f"Version {version} is stored but not active: look at `warehouse-seg models`, then "
        f"`warehouse-seg activate {version}` if you want it"
    )


def _number_taken(version: int) -> str:
    return (
        f"another fit took version number {version} at the same moment; this one was not made "
        "active. Run `warehouse-seg fit` again, one at a time"
    )
