"""The mixture beside other methods on planted customers: whichever suits them is said to do as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from warehouse_seg.evaluation.comparison import (
    UNASSIGNED,
    Compared,
    Customers,
    bootstrap_agreement,
    compare,
    density,
    knee,
    methods_for,
    nearest_label,
    rules,
    verdict,
)
from warehouse_seg.evaluation.predictive_power import Judgement, Prediction
from warehouse_seg.mixture import em
from warehouse_seg.mixture.search import Shape
from warehouse_seg.project.time_split import TimeSplit

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


def mixture_of(z: Array, types: NDArray[np.intp]) -> tuple[em.SufficientStatistics, em.Parameters]:
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
    mixture, *others = compare(Customers(z, None), statistics, parameters, SHAPE, seed=1)
    assert mixture.as_good is None
    assert mixture.agreement == pytest.approx(1)
    by_name = {one.method: one for one in others}
    assert by_name["k-means"].as_good
    assert by_name["k-means"].stability > 0.98
    said = verdict((mixture, *others), blended=0.0)
    assert "k-means (repeats at 1.00, segments as compact)" in said
    assert "take what is simpler" in said


def test_across_each_other_only_the_mixture_repeats_and_foretells() -> None:
    z, types = crossed()
    statistics, parameters = mixture_of(z, types)
    random = np.random.default_rng(3)
    spend = np.where(types == 0, 100.0, 1.0) * (random.random(COUNT) < 0.7)
    time_split = TimeSplit(
        "2026-01-01", 90, statistics, random.random((COUNT, 3)), spend, spend > 0
    )
    compared = compare(
        Customers(z, time_split.history), statistics, parameters, SHAPE, 1, time_split
    )
    assert [one.method for one in compared][-1] == "RFM rules"
    assert not any(one.as_good for one in compared)
    assert all(one.prediction is not None for one in compared)
    assert [one.by_membership is not None for one in compared] == [True, *[False] * 5]
    assert "No simpler method does as well" in verdict(compared, blended=0.1)


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


def test_labels_by_chance_do_not_repeat_and_labels_by_rule_do() -> None:
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
MIXTURE = Compared("mixture", 3, 0.0, 0.4, 0.9, 900.0, 0.95, 1.0, PREDICTION)
KMEANS = replace(MIXTURE, method="k-means", as_good=True)


@pytest.mark.parametrize(
    ("spend", "said"),
    [("alike", "repeats at 0.95, foretells as much"), ("worse", "foretells more")],
)
def test_the_verdict_says_what_a_rival_foretells(spend: Judgement, said: str) -> None:
    rival = replace(KMEANS, prediction=replace(PREDICTION, spend=spend))
    assert said in verdict((MIXTURE, rival), blended=0.25)


def test_the_verdict_says_what_memberships_add() -> None:
    assert "they foretell" not in verdict((MIXTURE, KMEANS), blended=0.25)
    labels_are_worse = replace(PREDICTION, by="memberships", spend="worse")
    said = verdict((replace(MIXTURE, by_membership=labels_are_worse), KMEANS), blended=0.25)
    assert "they foretell more than its labels do" in said
    assert "25% of these customers are not clearly of one segment" in said


def test_two_rivals_do_as_well() -> None:
    ward = replace(KMEANS, method="Ward hierarchical", stability=0.97)
    said = verdict((MIXTURE, KMEANS, ward), blended=0.25)
    assert "Ward hierarchical (repeats at 0.97, foretells as much) and k-means (repeats" in said
    assert "do as well" in said
