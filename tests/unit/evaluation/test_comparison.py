"""The mixture beside other methods on planted customers: whichever suits them is said to do as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from warehouse_seg.evaluation.comparison import (
    CLEAR_MEMBERSHIP,
    MethodComparison,
    MethodResult,
    bootstrap_agreement,
    compare,
)
from warehouse_seg.evaluation.comparison_verdict import verdict
from warehouse_seg.evaluation.methods import (
    UNASSIGNED,
    Customers,
    density,
    knee,
    methods_for,
    nearest_label,
    rules,
)
from warehouse_seg.evaluation.prediction import Judgement, Outcomes, Prediction
from warehouse_seg.evaluation.predictive_power import FrozenSplit, forecasts, power_of
from warehouse_seg.evaluation.simpler_methods import Silhouettes, silhouettes, simpler_methods
from warehouse_seg.mixture import em
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.parameters import Parameters
from warehouse_seg.project.time_split import HISTORY, FollowedCustomers, TimeSplit, Unavailable

Array = NDArray[np.float64]
COUNT = 900
SHAPE = Shape(3, "full")
CENTRES = np.array([[-4.0, 0.0], [4.0, 0.0], [0.0, 6.0]])


def balls(count: int = COUNT) -> tuple[Array, NDArray[np.intp]]:
    random = np.random.default_rng(1)
    types = random.choice(3, count)
    return CENTRES[types] + 0.7 * random.standard_normal((count, 2)), types


def crossed() -> tuple[Array, NDArray[np.intp]]:
    """Three long thin types across each other: a mixture sees them, distances do not."""
    random = np.random.default_rng(2)
    types = random.choice(3, COUNT)
    along, across = 4 * random.standard_normal(COUNT), 0.15 * random.standard_normal(COUNT)
    angle = np.pi / 3 * types
    return (
        np.column_stack(
            [
                along * np.cos(angle) - across * np.sin(angle),
                along * np.sin(angle) + across * np.cos(angle),
            ]
        ),
        types,
    )


def mixture_of(z: Array, types: NDArray[np.intp]) -> tuple[em.SufficientStatistics, Parameters]:
    """The optimum that the planted types lead to."""
    statistics = em.sufficient_statistics(z)
    start = em.from_responsibilities(statistics, np.eye(3)[types].T, "full")
    return statistics, em.fit_em(statistics, start, "full").parameters


@pytest.mark.parametrize("name", ["k-means", "Ward hierarchical", "DBSCAN", "spectral"])
def test_every_method_finds_types_that_are_balls_apart(name: str) -> None:
    z, types = balls()
    labels = methods_for(Customers(z, None), 3, seed=1)[name](Customers(z, None))
    assigned = labels != UNASSIGNED
    assert assigned.mean() > 0.9
    assert adjusted_rand_score(types[assigned], labels[assigned]) > 0.98


def test_on_balls_a_simpler_method_does_as_well() -> None:
    z, types = balls()
    statistics, parameters = mixture_of(z, types)
    unavailable = Unavailable("no orders")
    comparison = compare(Customers(z, None), statistics, parameters, SHAPE, 1, unavailable)
    mixture, *others = comparison.methods
    assert mixture.as_good_as_mixture is None
    assert mixture.agreement == pytest.approx(1)
    by_name = {method.method: method for method in others}
    assert by_name["k-means"].as_good_as_mixture
    assert by_name["k-means"].stability > 0.98
    assert comparison.time_split == unavailable
    sentence = verdict(comparison)
    assert sentence.startswith(
        "A simpler method, k-means labels, tells as much of the customers: k-means labels have"
    )
    assert "decided by the separation of the segments" in sentence
    assert "no orders" in sentence
    assert "k-means (stability 1.00, segments as compact)" in sentence
    assert "take the simpler method" in sentence


def test_shares_of_customers_count_how_many_a_row_stands_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first hundred rows stand for three customers each, and the method gives those no segment."""
    z, types = balls()
    heavy = np.arange(COUNT) < 100
    _, parameters = mixture_of(z, types)
    statistics = em.sufficient_statistics(z, weights=np.where(heavy, 3.0, 1.0))
    monkeypatch.setattr(
        "warehouse_seg.evaluation.comparison.methods_for",
        lambda *_: {"partial": lambda sample: np.where(np.arange(len(sample.z)) < 100, -1, 0)},
    )
    vague = replace(parameters, covariances=100 * parameters.covariances)
    unavailable = Unavailable("no orders")
    comparison = compare(Customers(z, None), statistics, vague, SHAPE, 1, unavailable)
    memberships, _ = em.expectation(statistics, vague)
    unclear = memberships.max(axis=0) < CLEAR_MEMBERSHIP
    expected = (2 * unclear[heavy].sum() + unclear.sum()) / (COUNT + 200)
    assert comparison.unclear_share == pytest.approx(expected)
    assert comparison.methods[1].unassigned == pytest.approx(300 / (COUNT + 200))


def followed(random: np.random.Generator, spend: Array) -> FollowedCustomers:
    columns = {name: random.random(COUNT) for name in HISTORY}
    bought = (spend > 0).astype(float)
    columns |= {"next_net_spend": spend, "next_order_count": bought}
    return FollowedCustomers("2026-01-01", 90, columns)


def test_across_each_other_only_the_mixture_is_stable_and_predicts() -> None:
    z, types = crossed()
    statistics, parameters = mixture_of(z, types)
    random = np.random.default_rng(3)
    spend = np.where(types == 0, 100.0, 1.0) * (random.random(COUNT) < 0.7)
    split = FrozenSplit(
        TimeSplit(followed(random, spend), followed(random, spend)),
        statistics,
        statistics,
        Outcomes(spend, spend > 0),
        Outcomes(spend, spend > 0),
    )
    customers = Customers(z, split.time_split.first.history)
    comparison = compare(customers, statistics, parameters, SHAPE, 1, split)
    methods = comparison.methods
    assert [method.method for method in methods][-1] == "RFM rules"
    assert not any(method.as_good_as_mixture for method in methods)
    assert all(method.from_labels is not None for method in methods)
    assert [method.from_memberships is not None for method in methods] == [True, *[False] * 5]
    assert "Of labels alone, one per customer, no other method's are as good" in verdict(comparison)
    # The same verdict, word for word, as from the two halves that `validate` has.
    memberships = split.memberships(SHAPE, 1)
    assert not isinstance(memberships, Unavailable)
    power = power_of(split, forecasts(split, memberships, 1))
    top = em.log_joint(statistics, parameters).argmax(axis=0)
    assert comparison.time_split == power
    assert comparison.simpler_methods == simpler_methods(power, silhouettes(z, top, 3, 1))
    assert comparison.simpler_methods.criterion == "prediction of unseen time"


def test_customers_far_from_all_are_unassigned_by_density() -> None:
    z, _ = balls()
    z = np.vstack([z, [[40.0, 40.0], [-40.0, 40.0]]])
    # Among the customers that the method compares, and beyond them.
    assert density(z)[-2:].tolist() == [UNASSIGNED, UNASSIGNED]
    assert density(z[::-1])[:2].tolist() == [UNASSIGNED, UNASSIGNED]


def test_equal_customers_have_a_density() -> None:
    """Half of a shop bought once, on the same day: no distance between them."""
    z = np.vstack([np.zeros((50, 2)), np.ones((50, 2))])
    assert len(np.unique(density(z))) == 2


def test_the_knee_is_where_the_curve_bends() -> None:
    curve = np.concatenate([np.linspace(1, 2, 90), np.linspace(2, 50, 11)[1:]])
    assert knee(curve) == pytest.approx(2)


def test_a_label_comes_from_the_nearest_customer() -> None:
    part, labels = np.array([[0.0], [10.0]]), np.array([7, UNASSIGNED])
    assert nearest_label(np.array([[1.0], [9.0]]), part, labels).tolist() == [7, UNASSIGNED]


def test_labels_by_chance_are_not_stable_and_labels_by_rule_are() -> None:
    z, types = balls()
    customers = Customers(z, None)
    random = np.random.default_rng(4)
    drawn = bootstrap_agreement(
        lambda those: random.choice(3, len(those.z)), customers, types, seed=1
    )
    assert drawn == pytest.approx(0, abs=0.05)
    side = np.asarray(z[:, 0] > 0, dtype=np.intp)
    ruled = bootstrap_agreement(
        lambda those: np.asarray(those.z[:, 0] > 0, dtype=np.intp), customers, side, seed=1
    )
    assert ruled == pytest.approx(1)


def test_rules_need_an_order_history() -> None:
    z, _ = balls()
    assert "RFM rules" not in methods_for(Customers(z, None), 3, seed=1)
    with pytest.raises(ValueError, match="order history"):
        rules(Customers(z, None))


# ------------------------------------------------------------------------------------------------------ verdict

PREDICTION = Prediction("k-means", 0.4, 0.7, 0.5, "alike", "alike")
MIXTURE = MethodResult("mixture", 3, 0.0, 0.4, 0.9, 900.0, 0.95, 1.0, PREDICTION)
KMEANS = replace(MIXTURE, method="k-means", as_good_as_mixture=True)


def sentence_on(*methods: MethodResult) -> str:
    unavailable = Unavailable("not asked")
    simpler = simpler_methods(unavailable, Silhouettes(0.4, 0.4))
    return verdict(MethodComparison(methods, unavailable, simpler, unclear_share=0.25))


@pytest.mark.parametrize(
    ("spend", "expected"),
    [("alike", "stability 0.95, predicts as well"), ("worse", "predicts better")],
)
def test_the_verdict_says_what_a_rival_predicts(spend: Judgement, expected: str) -> None:
    rival = replace(KMEANS, from_labels=replace(PREDICTION, spend_comparison=spend))
    assert expected in sentence_on(MIXTURE, rival)


def test_the_verdict_says_what_memberships_add() -> None:
    assert "they predict" not in sentence_on(MIXTURE, KMEANS)
    labels_are_worse = replace(PREDICTION, source="memberships", spend_comparison="worse")
    sentence = sentence_on(replace(MIXTURE, from_memberships=labels_are_worse), KMEANS)
    assert "they predict better than its labels" in sentence
    assert "25% of these customers are not clearly in one segment" in sentence


def test_two_rivals_do_as_well() -> None:
    ward = replace(KMEANS, method="Ward hierarchical", stability=0.97)
    sentence = sentence_on(MIXTURE, KMEANS, ward)
    assert "Ward hierarchical (stability 0.97, predicts as well) and k-means (stab" in sentence
    assert "do as well" in sentence
