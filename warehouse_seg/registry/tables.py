"""The registry's tables: columns and kinds, derived from the typed models that their rows hold.

A model's field is a column. What the registry adds to them is said here: the version, an order, and `exact_values`, the
numbers of a row as texts, since not every engine gives back the double that it was given.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.segment_matching import SegmentMatch
from warehouse_seg.model.training import Candidate, Training

Kinds = dict[str, str]
"""Column → "integer", "number" (a double), "text" or "time", in the order of the columns."""


def kinds_of(model: type[Any]) -> Kinds:
    """The columns of a typed model's fields; lists, mappings and truth values are kept as JSON texts.

    >>> kinds_of(Category)
    {'category': 'text', 'column_suffix': 'text'}
    """
    properties = TypeAdapter(model).json_schema()["properties"]
    return {name: _kind(schema) for name, schema in properties.items()}


def _kind(schema: dict[str, Any]) -> str:
    types = {option.get("type") for option in schema.get("anyOf", [schema])} - {"null"}
    kind = types.pop() if len(types) == 1 else None
    return kind if kind in ("integer", "number") else "text"


VERSION: Kinds = {"model_version": "integer"}
EXACT: Kinds = {"exact_values": "text"}

TABLES: dict[str, Kinds] = {
    "seg_models": {
        **VERSION,
        **kinds_of(Training),
        "created_at": "time",
        "covariance_type": "text",
        "n_components": "integer",
        "n_features": "integer",
        "outlier_log_density": "number",
        **EXACT,
        "fingerprint": "text",
    },
    "seg_model_features": {**VERSION, "position": "integer", **kinds_of(Feature), **EXACT},
    "seg_model_components": {**VERSION, "component": "integer", **kinds_of(Component), **EXACT},
    "seg_model_candidates": {**VERSION, **kinds_of(Candidate)},
    "seg_model_categories": {**VERSION, "position": "integer", **kinds_of(Category)},
    "seg_model_segment_matches": {
        **VERSION,
        "previous_model_version": "integer",
        **kinds_of(SegmentMatch),
        "kept_share": "number",
    },
    "seg_model_activations": {
        "activation": "integer",
        **VERSION,
        "activated_at": "time",
        "action": "text",
        "reason": "text",
    },
}
"""Table → its columns, in the order of creation. `seg_models` is written last: with its row a version exists."""

SCHEMA_TABLE = "seg_registry_schema"
SCHEMA_COLUMNS: Kinds = {
    "schema_version": "integer",
    "upgraded_at": "time",
    "package_version": "text",
}
"""Which form the tables have: a row per upgrade, the greatest number counts. No row belongs to a model version."""

SCHEMA_VERSION = 3
"""The form that this version of the package writes. A registry without a row in the table has form 1."""

ADDED_COLUMNS: dict[str, frozenset[str]] = {
    "seg_models": frozenset(
        {
            "sample_log_density",
            "population_log_density",
            "population_iterations",
            "recommendation",
            "findings",
            "warnings",
            "forecast",
        }
    ),
    "seg_model_features": frozenset({"reference", "floor", "median", "resolution", "point_masses"}),
    "seg_model_components": frozenset(),
    "seg_model_candidates": frozenset(
        {
            "icl",
            "held_out_log_likelihood",
            "entropy",
            "agreement_of_starts",
            "spread_of_starts",
            "stability",
            "smallest_jaccard",
            "search_failures",
            "silhouette",
            "davies_bouldin",
            "calinski_harabasz",
            "status",
            "feature_set",
            "spend_r2",
            "buying_auc",
            "buying_log_loss",
            "prediction_loss",
        }
    ),
    "seg_model_categories": frozenset(),
    "seg_model_segment_matches": frozenset(),
    "seg_model_activations": frozenset(),
}
"""Table → its columns that an earlier release may lack: NULL there is the default. Another column that lacks is damage.

A release that adds a column to a typed model names it here and raises SCHEMA_VERSION."""
