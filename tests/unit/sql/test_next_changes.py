"""The date of the next segment and tier is the first on which a customer who buys nothing is scored otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.sql.rendering import render

pytestmark = pytest.mark.both_duckdb


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Of these tests alone: they leave tables in it."""
    with duckdb.connect() as connection:
        yield connection


TODAY = date(2024, 6, 1)
TIERS = {"dominant": 0.8, "hybrid": 0.3}
DAYS = 120
RECENCY = Feature(
    feature="recency_days", transform="log", clip_low=1, clip_high=300, center=3.5, scale=1.1
)
TENURE = Feature(feature="tenure_days", transform="log1p", clip_low=0, center=5, scale=0.7)
RELATIVE = Feature(
    feature="recency_days",
    reference="tenure_days",
    floor=1,
    clip_low=1e-3,
    transform="log",
    center=-1.5,
    scale=1.2,
)
ORDERS = Feature(feature="order_count", transform="log", clip_low=1, center=1, scale=0.8)
SPEND = Feature(feature="net_spend", transform="signed_log1p", center=4, scale=1.3)


def random_model(
    random: np.random.Generator, features: tuple[Feature, ...], segments: int
) -> SegmentModel:
    size = len(features)
    weights = random.dirichlet(np.full(segments, 5.0))
    components = []
    for k in range(segments):
        root = random.normal(size=(size, size)) * 0.4 + np.eye(size) * 0.6
        mean = random.normal(size=size)
        components.append(
            Component.from_covariance(
                f"s{k + 1}", weights[k], mean, root @ root.T, f"Segment {k + 1}"
            )
        )
    return SegmentModel(covariance_type="full", features=features, components=tuple(components))


def random_customers(random: np.random.Generator, missing: bool) -> pd.DataFrame:
    size = 150
    recency = np.exp(random.normal(3, 1.2, size)).round().clip(1)
    frame = pd.DataFrame(
        {
            "customer_id": range(size),
            "as_of_date": pd.Timestamp(TODAY),
            "recency_days": recency.astype(int),
            "tenure_days": (recency + random.exponential(300, size)).round().astype(int),
            "order_count": pd.array(1 + random.poisson(3, size), dtype="Int64"),
            "net_spend": np.exp(random.normal(4, 1.5, size)).round(2),
        }
    )
    if missing:
        frame.loc[::4, "order_count"] = pd.NA
    return frame


def assigned(
    database: duckdb.DuckDBPyConnection, model: dict[str, Any], relation: str
) -> pd.DataFrame:
    scores = render("seg_mixture_scores", model, relation, ["customer_id", "as_of_date"], "duckdb")
    query = render("seg_customer_assignment", model, f"({scores}) as scores", TIERS, "duckdb")
    return database.execute(f"select * from ({query}) order by as_of_date, customer_id").df()


def day_by_day(
    database: duckdb.DuckDBPyConnection, model: dict[str, Any]
) -> Iterator[tuple[date, pd.DataFrame]]:
    """Every day to come with the customers as they will be scored on it."""
    moved = (
        "(select * replace (recency_days + day as recency_days, tenure_days + day as tenure_days, "
        "as_of_date + cast(day as integer) as as_of_date) "
        f"from customers cross join range(1, {DAYS + 1}) as days(day)) as customers"
    )
    for _, scored in assigned(database, model, moved).groupby("as_of_date"):
        yield scored["as_of_date"].iloc[0].date(), scored.reset_index(drop=True)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "features",
    [
        (RECENCY, ORDERS, SPEND),
        (ORDERS, RECENCY, TENURE),
        (SPEND, RELATIVE, ORDERS),
        (ORDERS, SPEND),
    ],
    ids=lambda features: "+".join(f.feature for f in features),
)
@pytest.mark.parametrize("seed", range(2))
def test_the_first_day_on_which_the_score_is_another(
    database: duckdb.DuckDBPyConnection, features: tuple[Feature, ...], missing: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    fitted = random_model(random, features, segments=4)
    database.register("frame", random_customers(random, missing))
    database.execute(
        "create or replace temp table customers as "
        "select * replace (cast(as_of_date as date) as as_of_date) from frame"
    )
    model = fitted.to_macro([["order_count"]] if missing else [])
    today = assigned(database, model, "customers")
    database.register("customer_segments", today)
    changes = render(
        "seg_next_changes", model, "customers", "customer_segments", TIERS, DAYS, "duckdb"
    )
    found = database.execute(f"select * from ({changes}) order by customer_id").df()

    expected = pd.DataFrame(
        {"segment": [None] * len(today), "tier": [None] * len(today)}, dtype=object
    )
    dates = expected.copy()
    for day, scored in day_by_day(database, model):
        for name, column in (("segment", "segment_key"), ("tier", "action_tier")):
            first = (scored[column] != today[column]) & expected[name].isna()
            expected.loc[first, name] = scored.loc[first, column]
            dates.loc[first, name] = str(day)

    for name, key, moment in (
        ("segment", "next_segment_key", "next_segment_date"),
        ("tier", "next_action_tier", "next_tier_date"),
    ):
        actual = found[[key, moment]].astype(object).where(found[[key, moment]].notna(), None)
        assert list(actual[key]) == list(expected[name])
        assert [day and str(day)[:10] for day in actual[moment]] == list(dates[name])
    moves = any(f.feature in ("recency_days", "tenure_days") for f in features)
    assert (expected["segment"].notna().sum() > 20) == moves
    assert list(found["segment_key"]) == list(today["segment_key"])
