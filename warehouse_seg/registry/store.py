"""The registry tables: every fitted model as numbers in the warehouse, and which one is active.

Publishing is one row. All rows of a version are written first; the single-row insert into
`seg_model_activations` makes it active. A crash before that row leaves the old model active, on every engine,
with no transaction over several tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from warehouse_seg.errors import UsageError
from warehouse_seg.model.segment_matching import SegmentMatching
from warehouse_seg.model.segment_model import (
    NUMBERS_OF_A_FEATURE,
    Candidate,
    Category,
    Component,
    Feature,
    SegmentModel,
    Training,
    exponent_text,
)
from warehouse_seg.sql.rendering import render_statement
from warehouse_seg.warehouse.connection import Warehouse

Row = dict[str, Any]
Parsed = TypeVar("Parsed")

TABLES: dict[str, dict[str, str]] = {
    "seg_models": {
        "model_version": "integer",
        "created_at": "time",
        "covariance_type": "text",
        "n_components": "integer",
        "n_features": "integer",
        "population_rows": "integer",
        "sample_rows": "integer",
        "seed": "integer",
        "bic": "number",
        "aic": "number",
        "log_likelihood": "number",
        "sample_log_density": "number",
        "population_log_density": "number",
        "population_iterations": "integer",
        "as_of_date": "text",
        "outlier_log_density": "number",
        "exact_values": "text",
        "fingerprint": "text",
        "software": "text",
        "recommendation": "text",
        "findings": "text",
        "warnings": "text",
        "notes": "text",
    },
    "seg_model_features": {
        "model_version": "integer",
        "position": "integer",
        "feature": "text",
        "transform": "text",
        "reference": "text",
        "clip_low": "number",
        "clip_high": "number",
        "median": "number",
        "center": "number",
        "scale": "number",
        "exact_values": "text",
        "resolution": "number",
        "point_masses": "text",
        "quantiles": "text",
    },
    "seg_model_components": {
        "model_version": "integer",
        "component": "integer",
        "segment_key": "text",
        "segment_name": "text",
        "description": "text",
        "weight": "number",
        "log_norm": "number",
        "mean": "text",
        "covariance": "text",
        "precision_cholesky": "text",
        "exact_values": "text",
    },
    "seg_model_candidates": {
        "model_version": "integer",
        "n_components": "integer",
        "covariance_type": "text",
        "log_likelihood": "number",
        "bic": "number",
        "aic": "number",
        "icl": "number",
        "held_out_log_likelihood": "number",
        "smallest_eigenvalue": "number",
        "smallest_weight": "number",
        "mean_top_membership": "number",
        "entropy": "number",
        "agreement_of_starts": "number",
        "spread_of_starts": "number",
        "stability": "number",
        "smallest_jaccard": "number",
        "search_failures": "number",
        "silhouette": "number",
        "davies_bouldin": "number",
        "calinski_harabasz": "number",
        "converged": "text",
        "status": "text",
        "reason": "text",
    },
    "seg_model_categories": {
        "model_version": "integer",
        "position": "integer",
        "category": "text",
        "column_suffix": "text",
    },
    "seg_model_segment_matches": {
        "model_version": "integer",
        "previous_model_version": "integer",
        "segment_key": "text",
        "previous_segment_key": "text",
        "verdict": "text",
        "customers": "integer",
        "share_of_previous": "number",
        "share_of_segment": "number",
        "affinity": "number",
        "kept_share": "number",
    },
    "seg_model_activations": {
        "activation": "integer",
        "model_version": "integer",
        "activated_at": "time",
        "action": "text",
        "reason": "text",
    },
}
"""Column → kind, in the order of creation. `seg_models` is written last of a version: with it the version exists."""


NUMBERS_OF_A_FIT = (
    "bic",
    "aic",
    "log_likelihood",
    "sample_log_density",
    "population_log_density",
)


@dataclass(frozen=True)
class Registry:
    """The registry in one schema.

    tables: plain name → the relation's name as dbt wrote it
    schema: the schema's name as SQL text, made where it is missing
    """

    warehouse: Warehouse
    tables: Mapping[str, str]
    schema: str

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
            found = "found no such model version" if not rows else "two fits took this number"
            raise UsageError(
                f"model version {version}: {found}; stored versions: {stored or 'none'}. "
                "Name another one, or run `warehouse-seg fit`"
            )
        try:
            return _model_from_rows(
                rows[0],
                self._select("seg_model_features", "position", version),
                self._select("seg_model_components", "component", version),
                self._select("seg_model_categories", "position", version),
                self._select("seg_model_candidates", "n_components, covariance_type", version),
            )
        except ValueError as error:
            raise UsageError(
                f"model version {version} in the registry cannot be used: {_in_words(error)}. "
                "Activate another version (`warehouse-seg models`) or fit a new one (`warehouse-seg fit`)"
            ) from error

    def publish(self, model: SegmentModel, matching: SegmentMatching | None = None) -> SegmentModel:
        """Store the model under the next free version, without making it active; the model with that version.

        matching: what became of the segments of the version before, where there is one
        Raises UsageError where another fit took the same number at the same moment.
        """
        self._create()
        numbered = model.model_copy(update={"model_version": self._next_version()})
        for name, rows in _rows_of(numbered, matching).items():
            self._insert(name, rows)
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
        history = self.activations()
        current = history[0]["model_version"] if history else None
        if current != expected:
            raise UsageError(_overtaken(version, current, expected))
        row = {
            "activation": history[0]["activation"] + 1 if history else 1,
            "model_version": version,
            "activated_at": _now(),
            "action": action,
            "reason": reason,
        }
        self._insert("seg_model_activations", [row])
        if (active := self.active_version()) != version:
            raise UsageError(_overtaken(version, active, expected))

    def _create(self) -> None:
        """Make the tables that are missing: all of them, or those that a killed first fit did not come to."""
        missing = [name for name in TABLES if not self._has(name)]
        if missing:
            self.warehouse.execute(f"create schema if not exists {self.schema}")
        for name in missing:
            self.warehouse.execute(
                render_statement(
                    "registry_table",
                    table=self.tables[name],
                    columns=TABLES[name],
                    dialect=self.warehouse.dialect,
                )
            )

    def _has(self, name: str) -> bool:
        return self.warehouse.has_relation(self.tables[name])

    def _next_version(self) -> int:
        """One more than any number in any table: what a killed fit left behind is never mixed in."""
        largest = 0
        for name in TABLES:
            found = self.warehouse.rows(
                f"select max(model_version) as largest from {self.tables[name]}"
            )
            largest = max(largest, found[0]["largest"] or 0)
        return largest + 1

    def _refuse_foreign_rows(self, name: str, rows: Sequence[Row], version: int) -> None:
        """Stop as soon as a table has more rows of this version than were written: another fit has the number too.

        The candidates are written first, and no score depends on them: of two fits that meet, at most one goes on.
        """
        if len(self._select(name, "model_version", version)) > len(rows):
            raise UsageError(_number_taken(version))

    def _insert(self, name: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        self.warehouse.execute(
            render_statement(
                "registry_insert",
                table=self.tables[name],
                columns=TABLES[name],
                rows=rows,
                dialect=self.warehouse.dialect,
            )
        )

    def _select(self, name: str, order_by: str, version: int | None = None) -> list[Row]:
        """Rows of one table; a table that nobody has made yet has none."""
        if not self._has(name):
            return []
        return self.warehouse.rows(
            render_statement(
                "registry_select",
                table=self.tables[name],
                columns=list(TABLES[name]),
                model_version=version,
                order_by=order_by,
            )
        )


def warning_texts(row: Row) -> list[str]:
    """The warnings in a row of `seg_models`; none where the row was damaged: a list of models is shown all the same."""
    try:
        return [str(warning["text"]) for warning in json.loads(row["warnings"] or "[]")]
    except (ValueError, TypeError, KeyError):
        return []


def _rows_of(model: SegmentModel, matching: SegmentMatching | None) -> dict[str, list[Row]]:
    """Table → its rows for this model, in the order in which they are written."""
    version = {"model_version": model.model_version}
    return {
        "seg_model_candidates": [
            version | _candidate_row(candidate) for candidate in model.candidates
        ],
        "seg_model_features": [
            version | {"position": position} | _feature_row(feature)
            for position, feature in enumerate(model.features, start=1)
        ],
        "seg_model_components": [
            version | {"component": component} | _component_row(segment)
            for component, segment in enumerate(model.components)
        ],
        "seg_model_categories": [
            version | {"position": position} | category.model_dump()
            for position, category in enumerate(model.categories, start=1)
        ],
        "seg_model_segment_matches": [version | row for row in _matching_rows(matching)],
        "seg_models": [version | _model_row(model)],
    }


def _model_row(model: SegmentModel) -> Row:
    training = model.training
    return {
        **training.model_dump(exclude={*NUMBERS_OF_A_FIT, "software", "findings", "warnings"}),
        "created_at": training.created_at or None,
        **{name: _number(getattr(training, name)) for name in NUMBERS_OF_A_FIT},
        "covariance_type": model.covariance_type,
        "n_components": len(model.components),
        "n_features": len(model.features),
        "outlier_log_density": exponent_text(model.outlier_log_density),
        "exact_values": json.dumps(
            {
                "outlier_log_density": exponent_text(model.outlier_log_density),
                **{name: _number(getattr(training, name)) for name in NUMBERS_OF_A_FIT},
            }
        ),
        "fingerprint": model.fingerprint,
        "software": json.dumps(training.software, sort_keys=True),
        "findings": json.dumps(training.findings, ensure_ascii=False),
        "warnings": json.dumps(
            [warning.model_dump() for warning in training.warnings], ensure_ascii=False
        ),
    }


def _feature_row(feature: Feature) -> Row:
    values = feature.to_macro()
    quantiles = {share: exponent_text(value) for share, value in feature.quantiles.items()}
    resolution = exponent_text(feature.resolution)
    exact = {name: values[name] for name in NUMBERS_OF_A_FEATURE} | {"resolution": resolution}
    return {
        **values,
        "exact_values": json.dumps(exact),
        "resolution": resolution,
        "point_masses": json.dumps(
            [
                [exponent_text(x), exponent_text(rounding_variance)]
                for x, rounding_variance in feature.point_masses
            ]
        ),
        "quantiles": json.dumps(quantiles),
    }


def _component_row(component: Component) -> Row:
    values = component.to_macro()
    return {
        **values,
        "mean": json.dumps(values["mean"]),
        "covariance": json.dumps(values["covariance"]),
        "precision_cholesky": json.dumps(values["precision_cholesky"]),
        "exact_values": json.dumps({name: values[name] for name in ("weight", "log_norm")}),
    }


def _matching_rows(matching: SegmentMatching | None) -> list[Row]:
    if matching is None:
        return []
    whole = {
        "previous_model_version": matching.previous_model_version,
        "kept_share": _number(matching.kept_share),
    }
    shares = ("share_of_previous", "share_of_segment", "affinity")
    return [
        asdict(match) | {name: _number(getattr(match, name)) for name in shares} | whole
        for match in matching.matches
    ]


def _candidate_row(candidate: Candidate) -> Row:
    return {
        name: _number(value) if isinstance(value, float) else value
        for name, value in candidate.model_dump().items()
    } | {"converged": str(candidate.converged).lower()}


def _model_from_rows(
    row: Row,
    features: list[Row],
    components: list[Row],
    categories: list[Row],
    candidates: list[Row],
) -> SegmentModel:
    """Raises ValueError where the rows are no model."""
    if len(features) != row["n_features"] or len(components) != row["n_components"]:
        raise ValueError(
            f"it is not whole: found {len(features)} features and {len(components)} segments, "
            f"needed {row['n_features']} and {row['n_components']}"
        )
    exact = _parsed(row, "exact_values", dict)
    training = {name: row[name] for name in Training.model_fields if name in row}
    training |= {name: exact.get(name) for name in NUMBERS_OF_A_FIT}
    training |= {
        "software": _parsed(row, "software", dict),
        "findings": _parsed(row, "findings", list),
        "warnings": _parsed(row, "warnings", list),
        "created_at": row["created_at"].isoformat(timespec="seconds") if row["created_at"] else "",
    }
    return SegmentModel.model_validate(
        {
            "model_version": row["model_version"],
            "covariance_type": row["covariance_type"],
            "features": [_stored_feature(feature) for feature in features],
            "components": [_stored_component(component) for component in components],
            "categories": [_only(Category, category) for category in categories],
            "outlier_log_density": exact.get("outlier_log_density"),
            "training": training,
            "candidates": [_only(Candidate, candidate) for candidate in candidates],
        }
    )


def _stored_feature(row: Row) -> Row:
    lists = {
        "quantiles": _parsed(row, "quantiles", dict),
        "point_masses": _parsed(row, "point_masses", list),
    }
    return _only(Feature, row) | _parsed(row, "exact_values", dict) | lists


def _stored_component(row: Row) -> Row:
    arrays = {n: _parsed(row, n, list) for n in ("mean", "covariance", "precision_cholesky")}
    return _only(Component, row) | arrays | _parsed(row, "exact_values", dict)


def _parsed(row: Row, name: str, kind: type[Parsed]) -> Parsed:
    """The JSON in one column. Raises ValueError where it is not JSON, or JSON of another kind."""
    try:
        return TypeAdapter(kind).validate_json(row[name] or "")
    except ValidationError as error:
        raise ValueError(f"{name}: {error.errors()[0]['msg']}, found {row[name]!r:.80}") from error


def _in_words(error: ValueError) -> str:
    """What is wrong with stored rows, in one line; pydantic's own text is many."""
    if not isinstance(error, ValidationError):
        return str(error)
    details = [
        f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}, found {detail['input']!r:.80}"
        for detail in error.errors()[:3]
    ]
    return "; ".join(details)


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


def _only(kind: Any, row: Row) -> Row:
    return {name: row[name] for name in kind.model_fields if name in row}


def _number(value: float | None) -> str | None:
    return None if value is None else exponent_text(value)


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
