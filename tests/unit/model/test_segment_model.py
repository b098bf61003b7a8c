"""A SegmentModel is right when it is made, survives JSON to the last bit, and its fingerprint says what it scores."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from pydantic import BaseModel, ValidationError
from scipy.special import logsumexp

from tests.parity.random_models import Case, Range, cases
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.gaussian import precision_cholesky
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import Candidate, Training

SMALL = Range(features=6, segments=4, condition=1e6, mean=50, farthest=50)
EXAMPLES = settings(max_examples=25, derandomize=True, deadline=None)

CATEGORY = Category(category="Ready Meals", column_suffix="ready_meals")
CANDIDATE = Candidate(
    n_components=2,
    covariance_type="full",
    log_likelihood=-1 / 3,
    bic=0.1 + 0.2,
    aic=1e-300,
    smallest_eigenvalue=None,
    smallest_weight=0.25,
    mean_top_membership=0.9,
    converged=True,
    status="chosen",
    reason="lowest BIC",
)
TRAINING = Training(
    created_at="2026-07-01T00:00:00",
    population_rows=10_000_000,
    sample_rows=20_000,
    seed=1,
    bic=0.1 + 0.2,
    as_of_date="2026-07-01",
    software={"scikit-learn": "1.9"},
    notes='a "note", Łódź',
)


def small_model() -> SegmentModel:
    """Two segments over two features, with every field that a model can have."""
    quantiles = {"0.05": 1.0, "0.5": 30.0}
    features = (
        Feature(
            feature="recency_days",
            transform="log",
            clip_low=1,
            clip_high=900,
            median=30,
            center=3.5,
            scale=1.25,
            quantiles=quantiles,
        ),
        Feature(feature="spend_ready_meals", transform="log1p", clip_low=0, center=2, scale=2),
    )
    covariance = np.array([[1.0, 0.5], [0.5, 2.0]])
    return SegmentModel(
        model_version=3,
        covariance_type="full",
        features=features,
        components=(
            Component.from_covariance("s1", 0.75, np.array([0.1, 0.2]), covariance, "Regulars"),
            Component.from_covariance("s2", 0.25, np.array([-1.0, 1 / 3]), np.eye(2), "Rare"),
        ),
        categories=(CATEGORY,),
        outlier_log_density=-12.5,
        training=TRAINING,
        candidates=(CANDIDATE,),
    )


MODEL = small_model()
FEATURE = MODEL.features[0]
COMPONENT = MODEL.components[0]
FACTOR = COMPONENT.precision_cholesky


Value = TypeVar("Value", bound=BaseModel)


def changed(value: Value, **fields: Any) -> Value:
    """The same value with other fields, validated anew."""
    return type(value).model_validate(value.model_dump() | fields)


# ------------------------------------------------------------------------------------------ JSON, both ways


def test_json_keeps_everything() -> None:
    assert SegmentModel.from_json(MODEL.to_json()) == MODEL


@EXAMPLES
@given(case=cases(SMALL))
def test_json_keeps_every_bit(case: Case) -> None:
    model = case.model
    copy = SegmentModel.from_json(model.to_json())
    assert copy == model
    for before, after in zip(model.components, copy.components, strict=True):
        for name in ("mean", "covariance", "precision_cholesky", "weight", "log_norm"):
            bytes_before = np.array(getattr(before, name)).tobytes()
            assert np.array(getattr(after, name)).tobytes() == bytes_before
    assert copy.score_sql("t") == model.score_sql("t")
    assert copy.fingerprint == model.fingerprint


def test_json_keeps_the_sign_of_zero() -> None:
    model = changed(MODEL, outlier_log_density=-0.0)
    assert str(SegmentModel.from_json(model.to_json()).outlier_log_density) == "-0.0"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": []}', "not json"])
def test_json_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        SegmentModel.from_json(text)


def test_json_with_an_unknown_key_is_refused() -> None:
    content = json.loads(MODEL.to_json()) | {"score_sql": "drop table customers"}
    with pytest.raises(ValidationError, match="score_sql"):
        SegmentModel.from_json(json.dumps(content))


def test_json_with_sql_in_place_of_a_number_is_refused() -> None:
    content = json.loads(MODEL.to_json())
    content["components"][0]["mean"][0] = "1e0; drop table customers"
    with pytest.raises(ValidationError, match=r"components\.0\.mean\.0"):
        SegmentModel.from_json(json.dumps(content))


# ---------------------------------------------------------------------------------- validation, fault by fault


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"feature": ""}, "1 to 127 characters"),
        ({"feature": "f" * 128}, "1 to 127 characters, found 128"),
        ({"feature": "back\\slash"}, "no backslash"),
        ({"feature": "line\nbreak"}, "no control character"),
        ({"feature": "nul\0"}, "no control character"),
        ({"transform": "exp"}, "transform"),
        ({"transform": "log", "clip_low": None}, "log needs a clip_low above 0"),
        ({"transform": "log", "clip_low": 0.0}, "log needs a clip_low above 0"),
        ({"transform": "log1p", "clip_low": -1.0}, "log1p needs a clip_low above -1"),
        ({"transform": "sqrt", "clip_low": -1e-300}, "sqrt needs a clip_low"),
        ({"clip_low": 2.0, "clip_high": 1.0}, "clip_low 2.0 > clip_high 1.0"),
        ({"clip_high": float("inf")}, "clip_high"),
        ({"fill_value": float("nan")}, "fill_value"),
        ({"center": float("-inf")}, "center"),
        ({"scale": 0.0}, "scale"),
        ({"scale": -1.0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"quantiles": {"0.5": float("nan")}}, "quantiles"),
        ({"weight": 1.0}, "weight"),
    ],
)
def test_a_feature_that_cannot_be_scored_is_refused(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        changed(FEATURE, **fault)


@pytest.mark.parametrize(
    "right",
    [
        {"feature": "f" * 127},
        {"feature": "any \"name\" 'at' all; --"},
        {"transform": "sqrt", "clip_low": 0.0},
        {"transform": "log", "clip_low": 5e-324},
        {"transform": "identity", "clip_low": None, "clip_high": None},
        {"clip_low": 2.0, "clip_high": 2.0},
    ],
)
def test_a_feature_at_the_edge_is_taken(right: dict[str, Any]) -> None:
    changed(FEATURE, **right)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"segment_key": "S1"}, "a segment key is a lower-case letter"),
        ({"segment_key": "1s"}, "a segment key is a lower-case letter"),
        ({"segment_key": "s-1"}, "a segment key is a lower-case letter"),
        ({"segment_key": "s1\n"}, "a segment key is a lower-case letter"),
        ({"segment_key": "é"}, "a segment key is a lower-case letter"),
        ({"segment_key": "s" * 41}, "a segment key is a lower-case letter"),
        ({"segment_key": ""}, "a segment key is a lower-case letter"),
        ({"segment_name": ""}, "at least 1 character"),
        ({"segment_name": "n" * 201}, "at most 200 characters"),
        ({"segment_name": "back\\slash"}, "no backslash"),
        ({"segment_name": "line\nbreak"}, "no control character"),
        ({"weight": 0.0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"log_norm": float("inf")}, "log_norm"),
        ({"mean": (0.1, float("nan"))}, "mean"),
        ({"mean": (0.1,)}, "covariance is not 1 x 1"),
        ({"covariance": ((1.0, 0.5),)}, "covariance is not 2 x 2"),
        ({"covariance": ((1.0, 0.5), (0.5,))}, "covariance is not 2 x 2"),
        ({"precision_cholesky": ((1.0, 0.5), (0.5,))}, "precision_cholesky is not 2 x 2"),
        ({"precision_cholesky": ((1.0, 0.0), (0.5, 1.0))}, "upper triangle"),
        ({"precision_cholesky": ((1.0, 0.5), (0.0, 0.0))}, "positive diagonal"),
        ({"precision_cholesky": ((-1.0, 0.5), (0.0, 1.0))}, "positive diagonal"),
    ],
)
def test_a_component_that_cannot_be_scored_is_refused(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        changed(COMPONENT, **fault)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"model_version": 0}, "model_version"),
        ({"covariance_type": "VVV"}, "covariance_type"),
        ({"features": ()}, "features"),
        ({"components": ()}, "components"),
        ({"outlier_log_density": float("nan")}, "outlier_log_density"),
        ({"features": MODEL.features[:1] * 2}, "each feature stands once; repeated: recency_days"),
        ({"features": MODEL.features[:1]}, "segment s1 has 2 means for 1 features"),
        ({"components": MODEL.components[:1]}, "weights of the segments sum to 0.75, not to 1"),
        (
            {"components": (COMPONENT, changed(MODEL.components[1], segment_key="s1"))},
            "each segment_key stands once; repeated: s1",
        ),
        ({"categories": ({"category": "x", "column_suffix": "Not Safe"},)}, "a column suffix is"),
        (
            {"components": (changed(COMPONENT, log_norm=50.0), MODEL.components[1])},
            "s1: log_norm is 50.0, not the -",
        ),
    ],
)
def test_a_model_that_cannot_be_scored_is_refused(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        changed(MODEL, **fault)


@pytest.mark.parametrize("value", [MODEL, FEATURE, COMPONENT, CANDIDATE, TRAINING, CATEGORY])
def test_a_model_is_frozen(value: Any) -> None:
    name = next(iter(type(value).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, name, None)


@pytest.mark.parametrize(
    "covariance", [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]]
)
def test_a_covariance_without_an_inverse_says_why(covariance: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="not positive definite: too few or identical customers"):
        Component.from_covariance("s1", 1.0, np.zeros(2), np.array(covariance))


# ----------------------------------------------------------------------------------------------- fingerprint


def with_feature(**values: Any) -> SegmentModel:
    return changed(MODEL, features=(changed(FEATURE, **values), MODEL.features[1]))


def with_component(**values: Any) -> SegmentModel:
    return changed(MODEL, components=(changed(COMPONENT, **values), MODEL.components[1]))


def next_to(number: float) -> float:
    return float(np.nextafter(number, np.inf))


@pytest.mark.parametrize(
    "other",
    [
        with_feature(feature="recency_days_"),
        with_feature(transform="log1p"),
        with_feature(clip_low=next_to(1)),
        with_feature(clip_high=None),
        with_feature(reference="tenure_days", floor=0.005),
        with_component(covariance=((1.0, 0.0), (0.0, next_to(1.0)))),
        with_feature(center=next_to(3.5)),
        with_feature(scale=next_to(1.25)),
        with_component(segment_key="s3"),
        with_component(weight=next_to(0.75)),
        with_component(log_norm=next_to(COMPONENT.log_norm)),
        with_component(mean=(0.1, next_to(0.2))),
        with_component(precision_cholesky=((1.0, next_to(FACTOR[0][1])), FACTOR[1])),
        changed(MODEL, components=MODEL.components[::-1]),
        changed(MODEL, outlier_log_density=next_to(-12.5)),
        changed(MODEL, categories=()),
    ],
)
def test_what_decides_a_score_changes_the_fingerprint(other: SegmentModel) -> None:
    assert other.fingerprint != MODEL.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        changed(MODEL, model_version=4),
        changed(MODEL, training=Training()),
        changed(MODEL, candidates=()),
        with_feature(quantiles={}),
        with_component(segment_name="Renamed"),
        with_component(description="Buy often."),
    ],
)
def test_what_decides_no_score_does_not(other: SegmentModel) -> None:
    assert other != MODEL
    assert other.fingerprint == MODEL.fingerprint


def test_the_fingerprint_is_sixteen_hexadecimal_digits() -> None:
    assert len(MODEL.fingerprint) == 16
    int(MODEL.fingerprint, 16)


# ---------------------------------------------------------------------------------------------- mathematics


@EXAMPLES
@given(case=cases(SMALL))
def test_the_factor_is_that_of_the_inverse(case: Case) -> None:
    for component in case.model.components:
        covariance = np.array(component.covariance)
        factor = precision_cholesky(covariance)
        assert np.array_equal(factor, np.triu(factor))
        error = np.abs(factor @ factor.T @ covariance - np.eye(len(covariance))).max()
        assert error <= 1e-13 * np.linalg.cond(covariance)


@EXAMPLES
@given(case=cases(Range(features=6, segments=4, condition=1e4, mean=3, farthest=None)))
def test_the_array_form_equals_scikit_learn(case: Case) -> None:
    """`log_joint` gives a fit its outlier threshold; the SQL's own parity stands in tests/parity."""
    log_density = logsumexp(case.model.log_joint(case.columns), axis=1)
    assert np.allclose(log_density, case.mixture.score_samples(case.standardized), rtol=1e-10)
