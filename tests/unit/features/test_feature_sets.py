"""The sets that compete, and the categories that may be features of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse_seg.features.category_information import informative_categories
from warehouse_seg.features.feature_sets import named_features, order_history_sets
from warehouse_seg.features.preparation import prepare
from warehouse_seg.features.sample import Sample
from warehouse_seg.model.feature import Category
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]
COUNT = 2_000


def shop(*categories: str, factor: float = 1.0, **changed: Array) -> Sample:
    """Customers who spend at random in these categories; `changed` replaces columns."""
    random = np.random.default_rng(1)
    tenure = random.integers(30, 700, COUNT).astype(float)
    orders = 1.0 + random.poisson(3, COUNT)
    spends = [
        np.round(random.lognormal(3, 1, COUNT) * (random.random(COUNT) < 0.8), 2)
        for _ in categories
    ]
    columns = {
        "recency_days": np.minimum(random.integers(1, 400, COUNT), tenure).astype(float),
        "order_count": orders,
        "tenure_days": tenure,
    }
    suffixes = [name.strip().lower().replace(" ", "_") or "category" for name in categories]
    columns |= {f"spend_{s}": own * factor for s, own in zip(suffixes, spends, strict=True)}
    columns |= {name: values * factor for name, values in changed.items()}
    whole = (
        np.sum([columns[f"spend_{s}"] for s in suffixes], axis=0) if suffixes else orders * factor
    )
    columns |= {"net_spend": whole, "average_order_value": whole / orders}
    columns |= {
        f"share_{s}": columns[f"spend_{s}"] / np.maximum(whole, 1e-9 * factor) for s in suffixes
    }
    listed = [
        Category(category=c, column_suffix=s) for c, s in zip(categories, suffixes, strict=True)
    ]
    return Sample(columns, COUNT, "2026-01-01", tuple(listed))


def names(sample: Sample) -> list[str]:
    return [category.category for category in informative_categories(sample)]


def test_every_set_says_what_it_is_for_and_can_be_prepared() -> None:
    sample = shop("Wine", "Bread", "Cheese")
    sets = order_history_sets(sample)
    assert [own.name for own in sets] == [
        "recency and spend",
        "orders",
        "value",
        "value and order size",
        "rhythm",
        "tastes",
    ]
    for own in sets:
        assert own.purpose
        prepared = prepare(sample.columns, own.choices, named=False, references=own.references)
        assert [feature.feature for feature in prepared.features] == [c.name for c in own.choices]


def test_tastes_are_ratios_to_the_largest_category() -> None:
    sample = shop("Wine", "Bread", "Cheese", "Fish", "Meat")
    tastes = order_history_sets(sample)[-1]
    assert dict(tastes.references) == dict.fromkeys(
        ("share_bread", "share_cheese", "share_fish"), "share_wine"
    )
    assert tastes.in_words == (
        "recency, orders, net spend, bread relative to wine, cheese relative to wine and fish relative to wine"
    )


def test_recency_relative_to_tenure_does_not_age_with_the_shop() -> None:
    """Ten times the days, of all customers: the same standardised feature."""
    sample = shop("Wine")
    rhythm = next(own for own in order_history_sets(sample) if own.name == "rhythm")
    older = {
        name: values * 10 if name.endswith("_days") else values
        for name, values in sample.columns.items()
    }
    young, old = (
        prepare(columns, rhythm.choices, named=False, references=rhythm.references).z[:, 0]
        for columns in (sample.columns, older)
    )
    np.testing.assert_allclose(young, old, atol=1e-9)


def test_the_features_that_a_user_named_are_one_set() -> None:
    own = named_features([FeatureChoice(name="visits"), FeatureChoice(name="basket_size")])
    assert own.in_words == "visits and basket size"
    assert own.column_names == ["visits", "basket_size"]


@pytest.mark.parametrize(
    ("categories", "informative"),
    [
        ((), []),
        (("Wine",), []),
        (("unknown",), []),
        (("Wine", "Bread"), ["Wine", "Bread"]),
        (("Wine", "unknown", "Bread"), ["Wine", "Bread"]),
        (("Wine", " Unknown "), ["Wine"]),
        (("Other", "Wine", "Bread"), ["Wine", "Bread"]),
        (("10", "007"), ["10", "007"]),
    ],
)
def test_categories_that_say_nothing_are_no_features(
    categories: tuple[str, ...], informative: list[str]
) -> None:
    assert names(shop(*categories)) == informative


def test_a_category_that_few_bought_is_no_feature() -> None:
    rare = np.where(np.arange(COUNT) % 3 == 0, 10.0, 0.0)
    assert names(shop("Wine", "Bread", "Rare", spend_rare=rare)) == ["Wine", "Bread"]


def test_a_category_with_nearly_all_the_money_is_no_feature() -> None:
    most = np.random.default_rng(2).lognormal(9, 1, COUNT)
    assert names(shop("Most", "Wine", "Bread", spend_most=most)) == ["Wine", "Bread"]


def test_a_near_copy_of_net_spend_is_no_feature() -> None:
    """Nine tenths of everybody's money: not nearly all of it, and no more than the sum says."""
    plain = shop("Wine", "Bread")
    nine = 9 * (plain.columns["spend_wine"] + plain.columns["spend_bread"]) + 0.01
    assert names(shop("Wine", "Bread", "Nine", spend_nine=nine)) == ["Wine", "Bread"]


@pytest.mark.parametrize("factor", [0.01, 30.0, 15_000.0])
def test_what_is_informative_does_not_depend_on_the_currency(factor: float) -> None:
    assert names(shop("Wine", "Bread", "Cheese", factor=factor)) == ["Wine", "Bread", "Cheese"]
    plain, converted = (
        prepare(s.columns, order_history_sets(s)[-1].choices, named=False)
        for s in (shop("Wine", "Bread", "Cheese"), shop("Wine", "Bread", "Cheese", factor=factor))
    )
    np.testing.assert_allclose(converted.z, plain.z, atol=1e-9)
    np.testing.assert_allclose(converted.rounding_variance, plain.rounding_variance, rtol=1e-6)
