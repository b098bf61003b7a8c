"""A fitted segment model: frozen, validated when made, JSON both ways.

The mathematics it carries (design of the scoring SQL, see `docs/explanation/model.md`): for raw features `x`,

    z_f = (T_f(clip(x_f)) - center_f) / scale_f
    y_k = (z - m_k) U_k,           covariance_k^-1 = U_k U_k'
    l_k = log_norm_k - 1/2 |y_k|^2,  log_norm_k = ln w_k + sum_j ln U_k[j, j] - D/2 ln 2 pi
    p_k = exp(l_k) / sum_i exp(l_i)

A feature that was not measured is marginalised: the same over the measured features, with the factor of their part of
the covariance.

All four scikit-learn covariance types are stored in this one form. A *component* is an index of the mixture; a
*segment* is a component with an identity (`segment_key`, never reused) and a name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, PositiveInt, field_validator, model_validator

from warehouse_seg.model.component import Component
from warehouse_seg.model.exponent_text import exponent_text
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.training import Candidate, ModelWarning, Training
from warehouse_seg.model.values import CovarianceType, Frozen
from warehouse_seg.sql.rendering import render

Array = NDArray[np.float64]


KEYS = ("customer_id", "as_of_date")

TOLERANCE = 1e-9
"""How far the sum of the weights, and log_norm relative to its size, may be from what they must be; dbt has the same
(macros/registry/seg_consistency.sql)."""


class SegmentModel(Frozen):
    """A Gaussian mixture over named features, ready to be scored in SQL.

    outlier_log_density: customers below this log density are outliers (a quantile of the training sample)
    categories: the categories with columns of their own that this version is frozen to
    """

    model_version: PositiveInt = 1
    covariance_type: CovarianceType
    features: tuple[Feature, ...] = Field(min_length=1)
    components: tuple[Component, ...] = Field(min_length=1)
    categories: tuple[Category, ...] = ()
    outlier_log_density: FiniteFloat = -1e300
    training: Training = Training()
    candidates: tuple[Candidate, ...] = ()

    @field_validator("features")
    @classmethod
    def _distinct_features(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        _refuse_repeats("feature", [feature.feature for feature in features])
        return features

    @field_validator("components")
    @classmethod
    def _distinct_segments(cls, components: tuple[Component, ...]) -> tuple[Component, ...]:
        _refuse_repeats("segment_key", [component.segment_key for component in components])
        total = sum(component.weight for component in components)
        if abs(total - 1) > TOLERANCE:
            raise ValueError(f"the weights of the segments sum to {total}, not to 1")
        return components

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        size = len(self.features)
        for component in self.components:
            if len(component.mean) != size:
                raise ValueError(
                    f"segment {component.segment_key} has {len(component.mean)} means "
                    f"for {size} features"
                )
            component.require_log_norm(TOLERANCE)
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides a score, and nothing else (first 16 hexadecimal digits).

        That is what the SQL is written from, but for names that people give.
        """
        content = self.to_macro()
        del content["model_version"], content["patterns"]
        for feature in content["features"]:
            del feature["median"]
        for segment in content["components"]:
            del segment["segment_name"], segment["description"]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the model's order."""
        return [feature.feature for feature in self.features]

    @property
    def column_names(self) -> list[str]:
        """The columns that the features are made of, each once."""
        return list(dict.fromkeys(name for f in self.features for name in f.column_names))

    def with_warnings(self, warnings: Iterable[ModelWarning]) -> Self:
        """The model with these warnings after those that it has."""
        training = self.training.model_copy(
            update={"warnings": (*self.training.warnings, *warnings)}
        )
        return self.model_copy(update={"training": training})

    def to_json(self) -> str:
        """The whole model as indented JSON; `from_json` reads it back equal, to the last bit."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The model that `to_json` wrote. Raises pydantic's ValidationError where it is not one."""
        return cls.model_validate_json(text)

    def to_macro(self, patterns: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
        """The dictionary that the SQL macros take (`dbt_project/macros/scoring`).

        patterns: the sets of missing features that occur, each a list of names; nothing missing need not be said
        """
        return {
            "model_version": self.model_version,
            "patterns": [list(pattern) for pattern in patterns],
            "outlier_log_density": exponent_text(self.outlier_log_density),
            "features": [feature.to_macro() for feature in self.features],
            "components": [component.to_macro() for component in self.components],
            "categories": [category.model_dump() for category in self.categories],
        }

    def score_sql(
        self,
        relation: str,
        dialect: str = "duckdb",
        keys: tuple[str, ...] = KEYS,
        patterns: Sequence[Sequence[str]] = (),
    ) -> str:
        """The select that scores every row of `relation`, as text.

        relation: a table's name as SQL text, or a select in parentheses
        keys: columns that identify a row; they pass through
        patterns: the sets of missing features that occur in the relation
            (`features/missing_patterns.py` counts them); a row with another one has NULL memberships
        The same macro file is rendered by dbt inside `seg_customer_scores`.
        """
        return render("seg_mixture_scores", self.to_macro(patterns), relation, list(keys), dialect)

    def standardized(self, columns: Mapping[str, Array]) -> Array:
        """Raw columns, each (n,) → standardised features (n, D), NaN where nothing was measured."""
        return np.column_stack([f.standardized(f.measured(columns)) for f in self.features])

    def log_joint(self, columns: Mapping[str, Array]) -> Array:
        """Raw columns, each (n,) → ln w_k + ln N(z_o | m_o, covariance_oo) over what was measured, (n, K)."""
        z = self.standardized(columns)
        result = np.empty((len(z), len(self.components)))
        patterns, pattern = np.unique(~np.isnan(z), axis=0, return_inverse=True)
        for index, measured in enumerate(patterns):
            rows = np.flatnonzero(pattern.reshape(-1) == index)
            places = np.flatnonzero(measured)
            for k, component in enumerate(self.components):
                result[rows, k] = component.gaussian(places).log_joint(z[np.ix_(rows, places)])
        return result


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"each {what} stands once; repeated: {', '.join(repeated)}")
