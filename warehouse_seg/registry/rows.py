"""A model as rows of the registry's tables, and rows as a model again, equal to the last bit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from warehouse_seg.model.component import Component
from warehouse_seg.model.exponent_text import exponent_text
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.segment_matching import SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import Candidate, Training
from warehouse_seg.registry.tables import ADDED_COLUMNS, TABLES

Row = dict[str, Any]

JSON_OF_TRAINING = {"software": dict, "findings": list, "warnings": list, "forecast": dict}
ADDED: frozenset[str] = frozenset().union(*ADDED_COLUMNS.values())
Parsed = TypeVar("Parsed")


def rows_of(model: SegmentModel, matching: SegmentMatching | None) -> dict[str, list[Row]]:
    """Table → its rows for this model, in the order in which they are written.

    matching: what became of the segments of the version before, where there is one
    """
    version = {"model_version": model.model_version}
    return {
        "seg_model_candidates": [
            version | row_of("seg_model_candidates", candidate.model_dump())
            for candidate in model.candidates
        ],
        "seg_model_features": [
            version | {"position": position} | row_of("seg_model_features", feature.model_dump())
            for position, feature in enumerate(model.features, start=1)
        ],
        "seg_model_components": [
            version | {"component": index} | row_of("seg_model_components", component.model_dump())
            for index, component in enumerate(model.components)
        ],
        "seg_model_categories": [
            version | {"position": position} | row_of("seg_model_categories", category.model_dump())
            for position, category in enumerate(model.categories, start=1)
        ],
        "seg_model_segment_matches": [version | row for row in _matching_rows(matching)],
        "seg_models": [version | _model_row(model)],
    }


def row_of(table: str, values: Mapping[str, Any]) -> Row:
    """The values as the table keeps them: numbers as texts of exact doubles, lists and mappings as JSON.

    `exact_values` repeats all numbers of the row, where the table has that column.
    """
    kinds = TABLES[table]
    row = {name: _stored(value, kinds[name]) for name, value in values.items()}
    if "exact_values" in kinds:
        numbers = {name: row[name] for name in row if kinds[name] == "number"}
        row["exact_values"] = json.dumps(numbers)
    return row


def model_of(
    row: Row,
    features: Sequence[Row],
    components: Sequence[Row],
    categories: Sequence[Row],
    candidates: Sequence[Row],
) -> SegmentModel:
    """The model that the rows of one version hold. Raises ValueError where they are no model."""
    if len(features) != row["n_features"] or len(components) != row["n_components"]:
        raise ValueError(
            f"it is not whole: found {len(features)} features and {len(components)} segments, "
            f"needed {row['n_features']} and {row['n_components']}"
        )
    exact = _parsed(row, "exact_values", dict)
    training = _values(row, Training, JSON_OF_TRAINING)
    created_at = row["created_at"].isoformat(timespec="seconds") if row["created_at"] else ""
    return SegmentModel.model_validate(
        {
            "model_version": row["model_version"],
            "covariance_type": row["covariance_type"],
            "features": [
                _values(feature, Feature, {"quantiles": dict, "point_masses": list})
                for feature in features
            ],
            "components": [
                _values(
                    component,
                    Component,
                    {"mean": list, "covariance": list, "precision_cholesky": list},
                )
                for component in components
            ],
            "categories": [_values(category, Category) for category in categories],
            "outlier_log_density": exact.get("outlier_log_density"),
            "training": training | {"created_at": created_at},
            "candidates": [_values(candidate, Candidate) for candidate in candidates],
        }
    )


def warning_texts(row: Row) -> list[str]:
    """The warnings in a row of `seg_models`; none where the row was damaged: a list of models is shown all the same."""
    try:
        return [str(warning["text"]) for warning in json.loads(row["warnings"] or "[]")]
    except (ValueError, TypeError, KeyError):
        return []


def error_text(error: ValueError) -> str:
    """What is wrong with stored rows, in one line; pydantic's own text is many."""
    if not isinstance(error, ValidationError):
        return str(error)
    details = [
        f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}, found {detail['input']!r:.80}"
        for detail in error.errors()[:3]
    ]
    return "; ".join(details)


def _model_row(model: SegmentModel) -> Row:
    values = model.training.model_dump() | {
        "created_at": model.training.created_at or None,
        "covariance_type": model.covariance_type,
        "n_components": len(model.components),
        "n_features": len(model.features),
        "outlier_log_density": model.outlier_log_density,
        "fingerprint": model.fingerprint,
    }
    return row_of("seg_models", values)


def _matching_rows(matching: SegmentMatching | None) -> list[Row]:
    if matching is None:
        return []
    whole = {
        "previous_model_version": matching.previous_model_version,
        "kept_share": matching.kept_share,
    }
    return [
        row_of("seg_model_segment_matches", asdict(match) | whole) for match in matching.matches
    ]


def _stored(value: Any, kind: str) -> Any:
    if value is None or kind == "integer":
        return value
    if kind == "number":
        return exponent_text(value)
    return value if isinstance(value, str) else json.dumps(_exact(value), ensure_ascii=False)


def _exact(value: Any) -> Any:
    """A value for JSON, every double as its exponent text."""
    if isinstance(value, float):
        return exponent_text(value)
    if isinstance(value, Mapping):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return value


def _values(row: Row, model: Any, json_columns: Mapping[str, type[Any]] | None = None) -> Row:
    """The fields of a typed model in a row: numbers from `exact_values`, where the row has it; JSON parsed.

    A column that an earlier version of the package did not make has no value: the model's default stands.
    """
    values = {
        name: row[name]
        for name in model.model_fields
        if name in row and not (row[name] is None and name in ADDED)
    }
    if "exact_values" in row:
        values |= {
            name: value
            for name, value in _parsed(row, "exact_values", dict).items()
            if name in model.model_fields
        }
    for name, kind in (json_columns or {}).items():
        if name in values:
            values[name] = _parsed(row, name, kind)
    return values


def _parsed(row: Row, name: str, kind: type[Parsed]) -> Parsed:
    """The JSON in one column. Raises ValueError where it is not JSON, or JSON of another kind."""
    try:
        return TypeAdapter(kind).validate_json(row[name] or "")
    except ValidationError as error:
        raise ValueError(f"{name}: {error.errors()[0]['msg']}, found {row[name]!r:.80}") from error
