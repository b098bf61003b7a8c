"""Names and descriptions of hand-made models, word for word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.descriptions import describe
from warehouse_seg.segments.names import AVERAGE
from warehouse_seg.segments.naming import named
from warehouse_seg.segments.traits import category_traits, traits

RECENCY = Feature(feature="recency_days", transform="log", clip_low=1, center=4.5, scale=1.0)
ORDERS = Feature(feature="order_count", transform="log", clip_low=1, center=0.75, scale=0.75)
BASKET = Feature(feature="average_order_value", transform="log", clip_low=0.01, center=4, scale=0.5)
WINE = Feature(feature="spend_wine", transform="log1p", clip_low=0, center=2, scale=2)
SHARE_OF_WINE = Feature(feature="share_wine", center=0.2, scale=0.25)
OTHER = Feature(feature="spend_other", transform="log1p", clip_low=0, center=1, scale=1)
INCOME = Feature(feature="yearly_income", center=40_000, scale=10_000)
SHOP = (RECENCY, ORDERS, BASKET, WINE)


def model_of(features: Sequence[Feature], *means: Sequence[float]) -> SegmentModel:
    """One segment for each mean, in standard deviations from the average customer."""
    components = tuple(
        Component.from_covariance(f"s{k}", 1 / len(means), np.array(mean, float), np.eye(len(mean)))
        for k, mean in enumerate(means, start=1)
    )
    return SegmentModel(covariance_type="full", features=tuple(features), components=components)


def names(model: SegmentModel) -> list[str]:
    return [component.segment_name for component in model.components]


def named_segments(features: Sequence[Feature], *means: Sequence[float]) -> list[str]:
    return names(named(model_of(features, *means)))


def description(features: Sequence[Feature], mean: Sequence[float]) -> str:
    return named(model_of(features, mean)).components[0].description


# --------------------------------------------------------------------------------------------- one segment


@pytest.mark.parametrize(
    ("mean", "name"),
    [
        ([-1, 0.9, 0.8, 0], "Recent, frequent, large baskets"),
        ([-1, 0.9, 0.1, 0.8], "Recent, frequent · wine"),
        ([0.9, -0.9, -0.5, 0], "Lapsed, one-time, small baskets"),
        ([0.3, -0.45, 0.1, 0], "Infrequent"),
        ([0, 0, 0, 1], "Wine"),
        ([0.2, 0.3, 0, 1], "Rather frequent · wine"),
        ([0, 0, 0, -1], AVERAGE),
        ([0.39, -0.39, 0.39, 0.39], AVERAGE),
        ([-3, 2, 0.41, 0.4], "Recent, frequent, large baskets · wine"),
    ],
)
def test_up_to_three_traits_and_a_category(mean: list[float], name: str) -> None:
    assert named_segments(SHOP, mean) == [name]


def test_spend_and_share_of_a_category_are_one_word_and_one_clause() -> None:
    features = (RECENCY, WINE, SHARE_OF_WINE)
    assert named_segments(features, [-0.5, 1.5, 1.4]) == ["Recent · wine"]
    assert description(features, [-0.5, 1.5, 1.4]) == (
        "Typical customers last ordered 55 days ago and spent 147 on wine."
    )
    assert description(features, [-0.5, 1.4, 1.5]) == (
        "Typical customers last ordered 55 days ago and spend 57 % of their money on wine."
    )


def test_no_name_speaks_of_the_rest_of_the_categories() -> None:
    assert named_segments((RECENCY, OTHER), [0, 1]) == ["Average customers"]


def test_an_extra_column_keeps_its_name() -> None:
    features = (INCOME, Feature(feature="Kidhome {value}", center=1, scale=1))
    assert named_segments(features, [1.2, -0.6]) == ["High yearly income, low Kidhome {value}"]
    assert description((INCOME,), [1.2]) == "Typical customers have yearly income of 52,000."


# --------------------------------------------------------------------------------- categories that are bought


def model_with_categories(*suffixes: str) -> SegmentModel:
    """Recent and lapsed customers, ten days and a year ago, far apart."""
    narrow = Feature(feature="recency_days", transform="log", clip_low=1, center=4.1, scale=0.2)
    model = model_of((narrow,), [-9], [9])
    categories = tuple(Category(category=name.title(), column_suffix=name) for name in suffixes)
    return model.model_copy(update={"categories": categories})


CUSTOMERS = {
    "recency_days": np.array([10.0, 10.0, 10.0, 10.0, 365.0, 365.0, 365.0, 365.0]),
    "share_wine": np.array([0.8, 0.6, 0.7, 0.5, 0.0, 0.1, 0.1, 0.0]),
    "share_tea": np.array([0.2, 0.4, 0.3, 0.5, 0.2, 0.5, 0.3, 0.4]),
    "share_all": np.full(8, 0.1),
}


def test_a_category_that_customers_buy_more_than_others_joins_the_name() -> None:
    model = named(model_with_categories("wine", "tea", "all"), CUSTOMERS)
    assert names(model) == ["Recent · wine", "Lapsed"]
    assert [component.description for component in model.components] == [
        "Typical customers last ordered 10 days ago and spend 65 % of their money on wine.",
        "Typical customers last ordered 365 days ago.",
    ]


@pytest.mark.parametrize(
    ("category", "word"),
    [
        ("Wine & Spirits", "wine & spirits"),
        ("日本のお土産", "日本のお土産"),
        ("Wine\\red", "wine"),
        ("Wine\nred", "wine"),
        ("  wine of the very highest quality ", "wine of the very highest …"),
    ],
)
def test_a_category_is_written_as_the_shop_writes_it(category: str, word: str) -> None:
    model = model_with_categories().model_copy(
        update={"categories": (Category(category=category, column_suffix="wine"),)}
    )
    recent, _ = named(model, CUSTOMERS).components
    assert recent.segment_name == f"Recent · {word}"
    assert recent.description.endswith(f"spend 65 % of their money on {word}.")


def test_nobody_is_called_after_a_little_of_their_money() -> None:
    columns = CUSTOMERS | {"share_wine": CUSTOMERS["share_wine"] / 4}
    recent, _ = named(model_with_categories("wine"), columns).components
    assert recent.segment_name == "Recent"
    assert recent.description == "Typical customers last ordered 10 days ago."


def test_money_stands_once_in_a_sentence() -> None:
    columns = CUSTOMERS | {"share_gin": CUSTOMERS["share_wine"] / 2}
    recent, _ = named(model_with_categories("wine", "gin"), columns).components
    assert recent.description == (
        "Typical customers last ordered 10 days ago, spend 65 % of their money on wine and 32 % on gin."
    )


def test_a_share_has_its_mean_and_its_distance_from_the_average() -> None:
    recent, lapsed = category_traits(model_with_categories("wine", "all"), CUSTOMERS)
    z = (0.65 - 0.35) / np.std(CUSTOMERS["share_wine"])
    assert [trait.feature for trait in recent] == ["share_wine", "share_all"]
    assert [trait.typical for trait in recent] == pytest.approx([0.65, 0.1])
    assert [trait.z for trait in recent] == pytest.approx([z, 0], abs=1e-6)
    assert lapsed[0].z == pytest.approx(-z)


def test_a_row_that_stands_for_three_customers_counts_three_times() -> None:
    weights = np.array([1.0, 2.0, 3.0, 1.0, 1.0, 1.0, 3.0, 2.0])
    model = model_with_categories("wine", "tea")
    repeated = {name: np.repeat(c, weights.astype(int)) for name, c in CUSTOMERS.items()}
    weighted = category_traits(model, CUSTOMERS, weights)
    for segment, expected in zip(weighted, category_traits(model, repeated), strict=True):
        for trait, other in zip(segment, expected, strict=True):
            assert (trait.z, trait.typical) == pytest.approx((other.z, other.typical))
    assert weighted[0][0].typical != pytest.approx(0.65)
    assert names(named(model, CUSTOMERS, weights=weights)) == ["Recent · wine", "Lapsed"]


def test_without_customers_or_categories_the_name_comes_from_the_model() -> None:
    assert names(named(model_with_categories("wine"))) == ["Recent", "Lapsed"]
    assert names(named(model_with_categories(), CUSTOMERS)) == ["Recent", "Lapsed"]


# -------------------------------------------------------------------------------------------- descriptions


def test_one_order_and_one_day_are_singular() -> None:
    assert description(SHOP, [-4.5, -1.0, 0.6, 0]) == (
        "Typical customers last ordered 1 day ago, placed 1 order and spend 74 an order."
    )


def test_the_order_history_is_described_and_the_two_most_distinctive_other_features() -> None:
    features = (*SHOP, OTHER, Feature(feature="spend_tea", center=20, scale=10))
    assert description(features, [0, 0, 0, 1.5, 0.3, 0.6]) == (
        "Typical customers last ordered 90 days ago, placed 2 orders, spend 55 an order, "
        "spent 147 on wine and 26 on tea."
    )


def test_what_is_not_bought_is_described_only_where_there_is_nothing_else() -> None:
    assert description((RECENCY, WINE), [0, -1]) == "Typical customers last ordered 90 days ago."
    assert description((WINE,), [-1]) == "Typical customers spent nothing on wine."


def test_a_typical_value_stays_within_the_clips() -> None:
    """Half an order below one is no order that anybody placed."""
    model = model_of(SHOP, [0, -3, 0, -5])
    typical = {trait.feature: trait.typical for trait in traits(model, model.components[0])}
    assert (typical["order_count"], typical["spend_wine"]) == (1.0, 0.0)


def test_without_a_known_or_distinct_feature_the_first_two_are_described() -> None:
    features = [Feature(feature=name) for name in ("visits", "clicks", "returns")]
    model = model_of(features, [0.1, -0.3, 0.2])
    assert describe(traits(model, model.components[0])) == (
        "Typical customers have clicks of -0.3 and returns of 0.2."
    )


# ---------------------------------------------------------------------------------------- names that differ


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        (
            ([-1, 1, 1, 0], [-1.6, 1, 1, 0]),
            ["Recent, frequent, large baskets", "Very recent, frequent, large baskets"],
        ),
        (
            ([1, -1, 1, 0], [1, -1, 1, 0.7]),
            ["Lapsed, one-time, large baskets", "Lapsed, one-time, large baskets · wine"],
        ),
        (
            ([1, -1, 1, 0], [1, -1, 1, 0.3]),
            ["Lapsed, one-time, large baskets", "Lapsed, one-time, large baskets · some wine"],
        ),
        (([1.6, 0, 0, 0], [0.9, 0, 0, 0]), ["Long lapsed", "Lapsed"]),
        (([0.3, 0, 0, 0], [-0.3, 0, 0, 0]), ["Fading", "Rather recent"]),
        (([0, 0, 0, 0], [0, 0, 0.3, 0]), [AVERAGE, "Rather large baskets"]),
        (
            ([-1, 1, 1, 0], [-1.6, 1, 1, 0], [-1, 1, 1.7, 0]),
            [
                "Recent, frequent, large baskets",
                "Very recent, frequent, large baskets",
                "Recent, frequent, very large baskets",
            ],
        ),
    ],
)
def test_one_name_for_two_is_graded_where_they_differ_most(
    means: Sequence[Sequence[float]], expected: list[str]
) -> None:
    assert named_segments(SHOP, *means) == expected


def test_who_is_more_so_is_very_where_no_other_word_tells_two_apart() -> None:
    assert named_segments(SHOP, [-1, 0.5, 1, 0], [-1, 0.5, 1.3, 0]) == [
        "Recent, frequent, large baskets",
        "Recent, frequent, very large baskets",
    ]


def test_a_graded_name_is_nobody_elses() -> None:
    """The two would differ by "very recent", which somebody is called already."""
    model = model_of(SHOP, [-1.6, 0, 0, 0], [-1, 0, 0.3, 0], [1, 0, 0, 0])
    assert names(named(model, inherited={"s3": "Very recent"})) == [
        "Recent",
        "Recent, rather large baskets",
        "Very recent",
    ]


def test_the_order_of_size_is_the_last_resort() -> None:
    assert named_segments(SHOP, [1, 0, 0, 0], [1, 0, 0, 0], [-1, 0, 0, 0]) == [
        "Lapsed (largest)",
        "Lapsed (second largest)",
        "Recent",
    ]


@pytest.mark.parametrize("seed", range(20))
def test_names_are_unique_and_fit_the_registry_whatever_the_model(seed: int) -> None:
    generator = np.random.default_rng(seed)
    features = [Feature(feature=f"{'long name ' * 12}{k}") for k in range(4)] + list(SHOP)
    model = named(model_of(features, *generator.normal(scale=0.6, size=(10, len(features)))))
    assert len(set(names(model))) == 10
    assert max(map(len, names(model))) <= 200
    assert SegmentModel.from_json(model.to_json()) == model


# ------------------------------------------------------------------------------------------ names that stay


def test_inherited_names_stay_and_others_keep_apart_from_them() -> None:
    model = model_of(SHOP, [-1, 1, 0, 0], [1, -1, 1, 0], [1, -1, -1, 0])
    inherited = {"s1": "Champions", "s2": "Lapsed, one-time, small baskets"}
    assert names(named(model, inherited=inherited)) == [
        "Champions",
        "Lapsed, one-time, small baskets",
        "Lapsed, one-time",
    ]


def test_an_inherited_name_comes_with_a_description_of_today() -> None:
    (segment,) = named(model_of(SHOP, [-1, 1, 0, 0]), inherited={"s1": "Champions"}).components
    assert (segment.segment_name, segment.description) == (
        "Champions",
        "Typical customers last ordered 33 days ago, placed 4.5 orders and spend 55 an order.",
    )


def test_a_small_move_of_the_model_changes_no_name() -> None:
    model = model_of(SHOP, [-1, 0.9, 0.8, 0], [0.9, -0.9, -0.6, 0], [0, 0, 0, 1])
    moved = model_of(SHOP, [-1.1, 1, 0.7, 0.1], [0.8, -1, -0.7, 0.05], [0.1, 0.1, -0.1, 0.9])
    assert names(named(model)) == names(named(moved))
