"""A refit moves the active model to today's customers, in its feature space and shape, and says what it saw there."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from warehouse_seg.errors import Refused, UsageError
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.refit import ignored_settings, refit_blocker, refit_model
from warehouse_seg.mixture.search import COLD_START_MARGIN
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import ModelWarning
from warehouse_seg.segments.matching import match_segments
from warehouse_seg.settings import FeatureChoice, ModelSettings, settings_from

Array = NDArray[np.float64]
Columns = dict[str, Array]

CUSTOMERS = 1_000
CENTRES = ((0.0, 0.0), (6.0, 1.0), (0.0, -7.0))
WINE = (Category(category="Wine", column_suffix="wine"),)


def customers(
    seed: int = 1, moved: float = 0.0, shares: tuple[float, ...] = (0.6, 0.3, 0.1)
) -> Columns:
    """Round segments with standard deviation 1 around CENTRES, all of them moved by so much."""
    generator = np.random.default_rng(seed)
    centres = np.repeat(CENTRES, [round(share * CUSTOMERS) for share in shares], axis=0)
    values = generator.permutation(centres + moved + generator.normal(size=centres.shape))
    return {"visits": values[:, 0], "basket": values[:, 1]}


def settings_of(**model: Any) -> ModelSettings:
    standard = {"segments": {"min": 3, "max": 3}, "covariance": ["full"]}
    return settings_from({"model": standard | model}).model


def choices(*names: str, **more: Any) -> list[FeatureChoice]:
    return [FeatureChoice(name=name, transform="identity", **more) for name in names]


def sample_of(columns: Columns) -> Sample:
    return Sample(columns, 1_000_000, as_of_date="2026-07-01", categories=WINE)


@cache
def active_model() -> SegmentModel:
    model = fit_model(sample_of(customers()), choices("visits", "basket"), settings_of())
    return model.model_copy(update={"model_version": 4})


def refitted(columns: Columns, active: SegmentModel | None = None, **more: Any) -> SegmentModel:
    settings = more.pop("settings", settings_of())
    return refit_model(active or active_model(), sample_of(columns), settings, **more)


def means_in_units(model: SegmentModel) -> Array:
    center = np.array([feature.center for feature in model.features])
    scale = np.array([feature.scale for feature in model.features])
    means: Array = center + scale * np.array([component.mean for component in model.components])
    return means


# ------------------------------------------------------------------------------- what stays and what moves


def test_feature_space_shape_and_categories_stay() -> None:
    new = refitted(customers(seed=2, moved=0.5))
    assert [f.to_macro() for f in new.features] == [f.to_macro() for f in active_model().features]
    assert new.covariance_type == active_model().covariance_type
    assert len(new.components) == 3
    assert new.categories == WINE


def test_segments_move_with_their_customers() -> None:
    new = refitted(customers(seed=2, moved=0.5))
    np.testing.assert_allclose(means_in_units(new), np.array(CENTRES) + 0.5, atol=0.3)


def test_the_quantiles_are_those_of_todays_customers() -> None:
    columns = customers(seed=2, moved=0.5)
    for feature in refitted(columns).features:
        assert feature.quantiles["0.5"] == pytest.approx(np.median(columns[feature.feature]))


def test_where_a_refit_comes_from_is_kept() -> None:
    new = refitted(customers(seed=2), notes="spring")
    (candidate,) = new.candidates
    assert candidate.status == "chosen"
    assert candidate.reason == "refit of version 4"
    assert candidate.bic == new.training.bic
    assert candidate.smallest_weight == min(c.weight for c in new.components)
    assert (new.training.notes, new.training.population_rows) == ("spring", 1_000_000)


def test_a_refit_repeats_to_the_last_bit_with_any_number_of_threads() -> None:
    first = refitted(customers(seed=2))
    with threadpool_limits(1):
        assert refitted(customers(seed=2)).fingerprint == first.fingerprint


# --------------------------------------------------------------------------------------------- what it refuses


def test_a_component_that_collapses_is_refused_with_what_to_do() -> None:
    """Of one segment all customers lie on a line by now."""
    columns = customers()
    third = columns["basket"] < -4
    columns["visits"] = np.where(third, columns["basket"] / 3 + 1 / 3, columns["visits"])
    with pytest.raises(Refused) as caught:
        refitted(columns)
    assert caught.value.exit_code == 3
    assert "the refit of version 4 was refused: collapsed" in str(caught.value)
    assert "nothing was stored, version 4 stays active" in str(caught.value)
    assert "`warehouse-seg fit --reselect`" in str(caught.value)


def test_a_segment_that_became_too_small_is_refused() -> None:
    with pytest.raises(Refused, match=r"refused: smallest segment 10\.\d% < 15%"):
        refitted(customers(), settings=settings_of(min_segment_share=0.15))


def test_a_feature_that_became_constant_is_refused() -> None:
    columns = customers() | {"basket": np.full(CUSTOMERS, 7.0)}
    with pytest.raises(UsageError, match="feature basket is constant now"):
        refitted(columns)


# ---------------------------------------------------------------------------------------- the cold search beside it


def stuck_model() -> SegmentModel:
    """Two components share the largest group, the third spans the two others: EM cannot leave that."""
    features = tuple(Feature(feature=name) for name in ("visits", "basket"))
    places = ((0.3, (-0.7, 0.0), 1.0), (0.3, (0.7, 0.0), 1.0), (0.4, (4.5, -1.0), 12.0))
    components = tuple(
        Component.from_covariance(f"s{k}", weight, np.array(mean), variance * np.eye(2))
        for k, (weight, mean, variance) in enumerate(places, start=1)
    )
    return SegmentModel(
        model_version=4, covariance_type="full", features=features, components=components
    )


def test_a_better_cold_search_is_reported_and_not_adopted() -> None:
    lines: list[str] = []
    new = refitted(customers(), stuck_model(), emit=lambda event: lines.append(event.text))
    (note,) = [line for line in lines if "a cold search for 3 segments, full" in line]
    assert "`warehouse-seg fit --reselect`" in note
    reached, kept = map(float, re.findall(r"-\d+\.\d+", note))
    assert reached - kept > COLD_START_MARGIN
    assert kept == pytest.approx((new.training.log_likelihood or 0) / CUSTOMERS, abs=1e-3)
    assert new.candidates[0].reason.startswith("refit of version 4; a cold search")
    # The third segment still spans two groups.
    assert max(c.weight for c in new.components) == pytest.approx(0.4, abs=0.03)


def test_a_cold_search_that_is_no_better_is_not_mentioned() -> None:
    lines: list[str] = []
    refitted(customers(seed=2), emit=lambda event: lines.append(event.text))
    assert not [line for line in lines if "cold" in line]


def test_a_refit_keeps_what_the_search_found_about_stability() -> None:
    unstable = ModelWarning(kind="no_stable_segmentation", text="there is no stable segmentation")
    bound = ModelWarning(kind="bound_of_segments", text="3 segments are the most that were tried")
    warned = active_model().with_warnings([unstable, bound])
    new = refitted(customers(), warned)
    assert unstable in new.training.warnings
    assert bound not in new.training.warnings


# ------------------------------------------------------------------------------------------- the same people


def test_ten_bootstrap_refits_keep_the_identity() -> None:
    """Each refit is of the one before it, as in a shop that is refitted every month."""
    columns = customers()
    model, shares = active_model(), []
    for seed in range(10):
        rows = np.random.default_rng(seed).integers(CUSTOMERS, size=CUSTOMERS)
        drawn = {name: values[rows] for name, values in columns.items()}
        new = refitted(drawn, model)
        overlap = np.zeros((3, 3))
        segments = [m.log_joint(columns).argmax(axis=1) for m in (model, new)]
        np.add.at(overlap, tuple(segments), 1)
        matching = match_segments(model, new, overlap)
        assert [match.verdict for match in matching.matches] == ["kept"] * 3
        shares.append(matching.kept_share)
        model = matching.model
    assert min(shares) >= 0.98
    named = {c.segment_key: c.segment_name for c in model.components}
    assert named == {c.segment_key: c.segment_name for c in active_model().components}


# ---------------------------------------------------------------------------------- when it cannot be a refit


def reason(columns: Columns, *names: str, **model: Any) -> str | None:
    """What `fit` says where the user named these features."""
    named = [{"name": name, **model} for name in names]
    settings = settings_of(features=named or None)
    chosen = settings.features or choices("visits")
    return refit_blocker(active_model(), sample_of(columns), chosen, settings)


def test_the_same_features_are_refitted_whether_named_or_not() -> None:
    assert reason(customers()) is None
    assert reason(customers(), "basket", "visits") is None
    assert reason(customers(), "visits", "basket", transform="identity") is None


def test_other_features_are_not() -> None:
    columns = customers() | {"age": np.random.default_rng(3).normal(40, 9, CUSTOMERS)}
    said = reason(columns, "visits", "age")
    assert said == "`model.features` makes visits, age; version 4 has visits, basket"


def test_another_transform_or_clip_is_not() -> None:
    positive = {name: np.exp(values) for name, values in customers().items()}
    said = reason(positive, "visits", "basket", transform="log")
    assert said == "`model.features` takes visits by log, version 4 by identity"
    said = reason(customers(), "visits", "basket", clip=(None, 0.99))
    assert said == "`model.features` clips visits otherwise than version 4"


def test_a_feature_that_is_gone_is_named() -> None:
    said = reason({"visits": customers()["visits"]})
    assert said == "version 4 needs basket, which the features lack now"


def test_what_a_refit_does_not_take_up_is_said() -> None:
    columns = customers() | {"age": np.random.default_rng(3).normal(40, 9, CUSTOMERS)}
    sample, chosen = sample_of(columns), choices("visits", "basket", "age")
    assert ignored_settings(active_model(), sample, chosen[:2], settings_of()) == []
    asked = settings_of(segments={"min": 4, "max": 6}, covariance=["tied", "diag"])
    assert ignored_settings(active_model(), sample, chosen, asked) == [
        "age would be features of a new model",
        "`model.segments` is 4 to 6, version 4 has 3",
        "`model.covariance` is tied, diag, that of version 4 full",
    ]
