"""A fitted segment model: frozen, validated when made, JSON both ways.

The mathematics it carries (design of the scoring SQL, see `docs/model.md`): for raw features `x`,

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
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from warehouse_seg.model.transforms import TRANSFORMS, is_measured
from warehouse_seg.sql.rendering import render

Array = NDArray[np.float64]
CovarianceType = Literal["full", "tied", "diag", "spherical"]
TransformName = Literal["identity", "log", "log1p", "sqrt", "signed_log1p"]
Vector = tuple[FiniteFloat, ...]
Matrix = tuple[Vector, ...]

KEYS = ("customer_id", "as_of_date")
NUMBERS_OF_A_FEATURE = ("floor", "clip_low", "clip_high", "median", "center", "scale")


def exponent_text(number: float) -> str:
    """The shortest decimal text that reads back as the same double, always with an exponent.

    Without an exponent DuckDB, Snowflake, Postgres and Spark read a DECIMAL, which overflows on products and on
    DuckDB 1.5 is one unit in the last place wrong in 7-15 % of values.

    >>> exponent_text(0.1), exponent_text(1e-300), exponent_text(3)
    ('0.1e0', '1e-300', '3.0e0')
    """
    text = repr(float(number))
    return text if "e" in text else f"{text}e0"


def exponent_texts(matrix: Matrix) -> list[list[str]]:
    """Every number of a matrix as `exponent_text` writes it."""
    return [[exponent_text(value) for value in row] for row in matrix]


def column_name(name: str) -> str:
    """`name`, when it can stand as a quoted identifier on every engine.

    Spaces, quotes, keywords and any script are fine, since names are quoted where they are used.
    """
    if not name or len(name) > 127:
        raise ValueError(f"a column name has 1 to 127 characters, found {len(name)}")
    return printable(name)


def printable(name: str) -> str:
    """`name`, when the registry's reader in dbt takes it too: no backslash and no control character."""
    if "\\" in name or any(ord(character) < 32 for character in name):
        raise ValueError(f"a name has no backslash and no control character: {name!r}")
    return name


def segment_key(key: str) -> str:
    """`key`, when it can be part of an unquoted column name (`membership_<key>`)."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", key):
        raise ValueError(
            f"a segment key is a lower-case letter, then letters, digits or _: {key!r}"
        )
    return key


ColumnName = Annotated[str, AfterValidator(column_name)]
SegmentName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
SegmentKey = Annotated[str, AfterValidator(segment_key)]


class Frozen(BaseModel):
    """Base of all values here: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Feature(Frozen):
    """How one measure becomes a standardised one.

    reference: of a share, the share that it is divided by, both taken as `floor` at least; None for a plain column
    clip_low, clip_high: in the raw unit, applied before the transform; None leaves that side open
    median: of the training values, in the raw unit; profiles sum around it
    center, scale: mean and standard deviation of the transformed training values
    resolution: the unit that the column was measured in; 0 where values are exact
    point_masses: values (clipped, in the raw unit) that many customers share, each with the rounding variance
        (standardised) that it is given
    quantiles: share of training customers → raw value, for profiles and drift
    """

    feature: ColumnName
    transform: TransformName = "identity"
    reference: ColumnName | None = None
    floor: PositiveFloat | None = None
    clip_low: FiniteFloat | None = None
    clip_high: FiniteFloat | None = None
    median: FiniteFloat = 0.0
    center: FiniteFloat = 0.0
    scale: PositiveFloat = 1.0
    resolution: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    point_masses: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()
    quantiles: dict[str, FiniteFloat] = {}

    @model_validator(mode="after")
    def _transform_is_defined(self) -> Self:
        transform = TRANSFORMS[self.transform]
        low, high = self.clip_low, self.clip_high
        if low is not None and high is not None and low > high:
            raise ValueError(f"{self.feature}: clip_low {low} > clip_high {high}")
        if transform.lowest is not None and (low is None or not transform.admits(low)):
            raise ValueError(
                f"{self.feature}: {self.transform} needs a clip_low above {transform.lowest}, found {low}"
            )
        if (self.reference is None) != (self.floor is None):
            raise ValueError(f"{self.feature}: a reference and a floor come together")
        return self

    @property
    def column_names(self) -> list[str]:
        """The columns that it is made of."""
        return [self.feature] if self.reference is None else [self.feature, self.reference]

    def measured(self, columns: Mapping[str, Array]) -> Array:
        """Raw columns → this feature's values (n,), NaN where it, or a part of its ratio, was not measured."""
        parts = [columns[name] for name in self.column_names]
        values = [np.where(is_measured(part), part.astype(float), np.nan) for part in parts]
        if self.floor is None:
            return values[0]
        ratio: Array = np.maximum(values[0], self.floor) / np.maximum(values[1], self.floor)
        return ratio

    def clipped(self, values: Array) -> Array:
        """Measured values → raw values inside the clips; NaN stays."""
        clipped = np.where(is_measured(values), values, np.nan)
        if self.clip_low is not None:
            clipped = np.maximum(clipped, self.clip_low)
        if self.clip_high is not None:
            clipped = np.minimum(clipped, self.clip_high)
        return clipped

    def standardized(self, values: Array) -> Array:
        """Measured values (n,) → z = (T(clip(x)) - center) / scale, (n,); NaN stays."""
        transformed = TRANSFORMS[self.transform].array(self.clipped(values))
        return (transformed - self.center) / self.scale

    def to_macro(self) -> dict[str, Any]:
        """The dictionary that the SQL macros take: numbers as exponent texts."""
        values = {name: getattr(self, name) for name in NUMBERS_OF_A_FEATURE}
        texts = {name: None if v is None else exponent_text(v) for name, v in values.items()}
        return {
            "feature": self.feature,
            "transform": self.transform,
            "reference": self.reference,
            **texts,
        }

    def rounding_to_macro(self) -> dict[str, Any]:
        """What the population pass needs beside: (step T'(x))^2, but for point masses. Numbers as exponent texts."""
        return {
            "step": exponent_text(self.resolution / (self.scale * math.sqrt(12))),
            "point_masses": [
                [exponent_text(value), exponent_text(rounding_variance)]
                for value, rounding_variance in self.point_masses
            ],
        }


class Component(Frozen):
    """One Gaussian of the mixture, in standardised units, with the segment that it is.

    mean (D,), covariance (D, D), precision_cholesky (D, D) upper triangular with covariance^-1 = U U'.
    """

    segment_key: SegmentKey
    segment_name: SegmentName
    description: str = ""
    weight: PositiveFloat
    log_norm: FiniteFloat
    mean: Vector
    covariance: Matrix
    precision_cholesky: Matrix

    @classmethod
    def from_moments(
        cls, key: str, weight: float, mean: Array, covariance: Array, name: str | None = None
    ) -> Self:
        """The component with this weight, mean (D,) and covariance (D, D).

        Raises ValueError where the covariance is not positive definite.
        """
        return cls.from_factor(key, weight, mean, covariance, precision_cholesky(covariance), name)

    @classmethod
    def from_factor(
        cls,
        key: str,
        weight: float,
        mean: Array,
        covariance: Array,
        factor: Array,
        name: str | None = None,
    ) -> Self:
        """The same, when the precision's Cholesky factor (D, D) is known already."""
        return cls(
            segment_key=key,
            segment_name=name or f"Segment {key}",
            weight=float(weight),
            log_norm=log_norm_of(weight, factor),
            mean=tuple(np.asarray(mean, dtype=float).tolist()),
            covariance=as_matrix(covariance),
            precision_cholesky=as_matrix(np.triu(factor)),
        )

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        size = len(self.mean)
        for name in ("covariance", "precision_cholesky"):
            rows = getattr(self, name)
            if len(rows) != size or any(len(row) != size for row in rows):
                raise ValueError(f"{self.segment_key}: {name} is not {size} x {size}")
        factor = np.array(self.precision_cholesky)
        if np.any(np.diag(factor) <= 0) or np.any(np.tril(factor, -1) != 0):
            raise ValueError(
                f"{self.segment_key}: precision_cholesky is not an upper triangle with a positive "
                "diagonal"
            )
        return self

    def to_macro(self) -> dict[str, Any]:
        """The dictionary that the SQL macros take: numbers as exponent texts."""
        return {
            "segment_key": self.segment_key,
            "segment_name": self.segment_name,
            "description": self.description,
            "weight": exponent_text(self.weight),
            "log_norm": exponent_text(self.log_norm),
            "mean": [exponent_text(value) for value in self.mean],
            "covariance": exponent_texts(self.covariance),
            "precision_cholesky": exponent_texts(self.precision_cholesky),
        }

    def log_joint(self, z: Array, measured: NDArray[np.bool_]) -> Array:
        """Ln w + ln N(z | m_o, covariance_oo) of customers of whom these features (D,) were measured, (n,).

        z (n, number of measured features)
        """
        mean, factor, log_norm = (
            np.array(self.mean),
            np.array(self.precision_cholesky),
            self.log_norm,
        )
        if not measured.all():
            places = np.flatnonzero(measured)
            mean = mean[places]
            factor = precision_cholesky(np.array(self.covariance)[np.ix_(places, places)])
            log_norm = log_norm_of(self.weight, factor)
        whitened = (z - mean) @ factor
        joint: Array = log_norm - 0.5 * np.einsum("ij,ij->i", whitened, whitened)
        return joint


class Category(Frozen):
    """A category with a column of its own: its raw value and the end of its columns' names."""

    category: str
    column_suffix: SegmentKey


CandidateStatus = Literal["refused", "rejected", "chosen"]
WarningKind = Literal[
    "few_customers",
    "no_stable_segmentation",
    "no_structure",
    "search_failures",
    "bound_of_segments",
    "not_converged",
    "statement_limit",
]


class Candidate(Frozen):
    """One model that was tried, with every criterion, None where it was not measured, and what became of it.

    log_likelihood: the objective, a sum over the sample; held_out_log_likelihood: per customer that was not fitted on
    bic, aic, icl: lower is better; icl is bic with twice the memberships' entropy added
    smallest_eigenvalue: of the covariances, in standardised units; smallest_weight: of the segments
    entropy: of the memberships, nats per customer
    agreement_of_starts: adjusted Rand index of the best optima reached; spread_of_starts: their nats per customer apart
    stability: adjusted Rand index over bootstrap refits; smallest_jaccard: of the segment that repeats least
    search_failures: share of the bootstraps where a cold search ended below the warm ascent
    silhouette, davies_bouldin (lower is better), calinski_harabasz: of the top segments as hard clusters
    status: "refused" where it is degenerate, "chosen" the recommended one, "rejected" the others; reason: why
    """

    n_components: PositiveInt
    covariance_type: CovarianceType
    log_likelihood: float | None = None
    bic: float | None = None
    aic: float | None = None
    icl: float | None = None
    held_out_log_likelihood: float | None = None
    smallest_eigenvalue: float | None = None
    smallest_weight: float | None = None
    mean_top_membership: float | None = None
    entropy: float | None = None
    agreement_of_starts: float | None = None
    spread_of_starts: float | None = None
    stability: float | None = None
    smallest_jaccard: float | None = None
    search_failures: float | None = None
    silhouette: float | None = None
    davies_bouldin: float | None = None
    calinski_harabasz: float | None = None
    converged: bool = False
    status: CandidateStatus = "rejected"
    reason: str = ""


class ModelWarning(Frozen):
    """What a person should know before using a model, found while it was fitted."""

    kind: WarningKind
    text: str


class Training(Frozen):
    """Where a model comes from; nothing here changes a score.

    log_likelihood: of the sample, a sum, values known up to their rounding
    sample_log_density, population_log_density: mean log density per customer, nats, of the sample and of everybody
    population_iterations: how often everybody was summed in a fit to all customers; None where the sample was enough
    recommendation: why this model, in a sentence; findings: what was seen in the features, and what was done about it
    warnings: what a person should know before using the model; every command and the tables for BI repeat them
    """

    created_at: str = ""
    population_rows: int = 0
    sample_rows: int = 0
    seed: int = 0
    bic: float | None = None
    aic: float | None = None
    log_likelihood: float | None = None
    sample_log_density: float | None = None
    population_log_density: float | None = None
    population_iterations: int | None = None
    as_of_date: str | None = None
    software: dict[str, str] = {}
    recommendation: str = ""
    findings: tuple[str, ...] = ()
    warnings: tuple[ModelWarning, ...] = ()
    notes: str = ""


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
        if abs(total - 1) > 1e-6:
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
            known = z[np.ix_(rows, np.flatnonzero(measured))]
            for k, component in enumerate(self.components):
                result[rows, k] = component.log_joint(known, measured)
        return result


class FittedMixture(Protocol):
    """What `from_sklearn` reads of a fitted sklearn.mixture.GaussianMixture."""

    covariance_type: CovarianceType
    weights_: Array
    means_: Array
    covariances_: Array
    precisions_cholesky_: Array


def from_sklearn(mixture: FittedMixture, features: tuple[Feature, ...]) -> SegmentModel:
    """A fitted scikit-learn GaussianMixture as a SegmentModel, factors taken over unchanged.

    features: one per column that the mixture was fitted on, in order
    """
    count, size = mixture.means_.shape

    def square(values: Array, k: int) -> Array:
        shape = mixture.covariance_type
        if shape == "tied":
            return values
        whole: Array = values[k] if shape == "full" else np.diag(np.broadcast_to(values[k], size))
        return whole

    components = tuple(
        Component.from_factor(
            f"s{k + 1}",
            float(mixture.weights_[k]),
            mixture.means_[k],
            square(mixture.covariances_, k),
            square(mixture.precisions_cholesky_, k),
        )
        for k in range(count)
    )
    return SegmentModel(
        covariance_type=mixture.covariance_type, features=features, components=components
    )


def precision_cholesky(covariance: Array) -> Array:
    """U (D, D) upper triangular with covariance^-1 = U U'.

    From the lower factor L of the covariance: U = (L^-1)'. Raises ValueError where it is not positive definite.
    """
    try:
        lower = cholesky(covariance, lower=True)
    except LinAlgError as error:
        raise ValueError(
            "the covariance is not positive definite: too few or identical customers, or features that "
            "determine each other; fit fewer segments or drop a feature"
        ) from error
    identity = np.eye(len(covariance))
    return np.ascontiguousarray(solve_triangular(lower, identity, lower=True).T)


def log_norm_of(weight: float, factor: Array) -> float:
    """Ln w + sum_j ln U[j, j] - D/2 ln 2 pi, for a precision's Cholesky factor (D, D)."""
    return (
        math.log(weight)
        + float(np.sum(np.log(np.diag(factor))))
        - len(factor) / 2 * math.log(2 * math.pi)
    )


def as_matrix(values: Array) -> Matrix:
    """An array (D, D) as nested tuples of floats."""
    return tuple(tuple(float(value) for value in row) for row in np.asarray(values))


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"each {what} stands once; repeated: {', '.join(repeated)}")
