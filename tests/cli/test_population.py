"""`fit --population` on the small shop: from the sample's model to the best one of all customers, in SQL."""

from __future__ import annotations

import json
import re

import pytest

from tests.shop_fixtures import Command, set_effective
from tests.small_shop import Shop
from warehouse_seg.scoring import limits

ITERATION = re.compile(r"iteration \d+: (-?[\d.]+) nats per customer")


def test_a_small_sample_goes_on_to_everybody(command: Command, features_shop: Shop) -> None:
    set_effective(features_shop, model={"sample_size": 600})
    done = command(features_shop, "fit", "--population", "--json", "--verbose")
    assert done.exit_code == 0, done.err
    objectives = [float(objective) for objective in ITERATION.findall(done.err)]
    assert len(objectives) > 2
    assert objectives == sorted(objectives)
    assert "read 600 of 1,500 customers" in done.err
    model = json.loads(done.out)
    training = model["training"]
    assert training["population_iterations"] == len(objectives) - 1
    assert f"{training['population_log_density']:.4f} of all 1,500" in done.err
    stored = (
        "select population_iterations, population_log_density, sample_log_density from seg_models"
    )
    assert features_shop.rows(stored) == [
        tuple(
            training[n]
            for n in ("population_iterations", "population_log_density", "sample_log_density")
        )
    ]
    weights = [component["weight"] for component in model["components"]]
    assert abs(sum(weights) - 1) < 1e-9


def test_every_fit_says_how_well_the_sample_speaks_for_all(
    command: Command, features_shop: Shop
) -> None:
    set_effective(features_shop, model={"sample_size": 1_500})
    done = command(features_shop, "fit", "--json", "--verbose")
    assert done.exit_code == 0, done.err
    training = json.loads(done.out)["training"]
    assert training["population_iterations"] is None
    assert abs(training["population_log_density"] - training["sample_log_density"]) < 1e-9
    assert "(gap +0.0000)" in done.err or "(gap -0.0000)" in done.err


def test_weights_that_cannot_be_are_refused(command: Command, features_shop: Shop) -> None:
    set_effective(features_shop, model={"weight": "no_such_column"})
    done = command(features_shop, "fit")
    assert done.exit_code == 2
    assert "found no column no_such_column among the features" in done.err
    set_effective(features_shop, model={"weight": "days_between_orders"})
    done = command(features_shop, "fit")
    assert done.exit_code == 2
    assert "missing, negative or all zero" in done.err


def test_a_weighted_fit_is_of_the_weighted_customers(command: Command, features_shop: Shop) -> None:
    """`order_count` as a weight is no feature then, and customers with more orders count for more."""
    set_effective(features_shop, model={"weight": "order_count"})
    done = command(features_shop, "fit", "--population", "--json", "--verbose")
    assert done.exit_code == 0, done.err
    model = json.loads(done.out)
    assert "order_count" not in {feature["feature"] for feature in model["features"]}


def test_a_pass_that_no_select_holds_is_refused_before_it_starts(
    command: Command, features_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault planted: an engine that takes ten columns."""
    narrow = limits.Limit("columns", 10, "refuses wider selects")
    monkeypatch.setitem(limits.LIMITS, "duckdb", (narrow,))
    done = command(features_shop, "fit", "--population")
    assert done.exit_code == 2
    assert "duckdb refuses wider selects: found" in done.err
    assert "nothing was stored" in done.err
    assert not ITERATION.search(done.err)
    assert json.loads(command(features_shop, "models", "--json").out)["models"] == []
