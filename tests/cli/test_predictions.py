"""A fit that chooses by what segments predict, in a shop with order lines: what is said, stored, shown, and obeyed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.dbt_folder import succeeded
from tests.shop_fixtures import Command
from tests.small_shop import DATABASE, Shop, Stages

CANDIDATES = """
    from seg_model_candidates
    select feature_set, n_components, status, prediction_loss is not null, stability is not null, reason
"""


def test_a_fit_says_what_it_chose_by_and_what_it_predicts(
    command: Command, features_shop: Shop
) -> None:
    done = command(features_shop, "fit")
    assert done.exit_code == 0, done.err
    lines = done.err.splitlines()
    assert "✓ screening 5 feature sets by what they predict" in lines
    (recommended,) = [line for line in lines if line.startswith("✓ recommended: ")]
    assert "that repeat" in recommended
    assert "RFM quintiles: spend R² " in recommended
    (measured,) = [
        line for line in lines if "which nothing has seen, memberships predict: " in line
    ]
    assert lines.index(measured) > lines.index(recommended)
    rows = features_shop.rows(CANDIDATES)
    assert [status for _, _, status, *_ in rows].count("chosen") == 1
    searched = {name for name, *_, stable, _ in rows if stable}
    assert {name for name, *_ in rows} > searched
    screened = {reason for name, *_, reason in rows if name not in searched}
    assert all("promised less" in reason for reason in screened)


def test_the_forecast_is_stored_and_shown_with_the_profile(
    command: Command, scored_shop: Shop
) -> None:
    shown = json.loads(command(scored_shop, "profile", "--json").out)
    forecast = shown["forecast"]
    (today,) = scored_shop.rows("select max(as_of_date) from seg_customer_features")[0]
    assert forecast["as_of_date"] < str(today)
    assert forecast["sources"][0]["source"] == "memberships"
    for segment in shown["segments"]:
        own = segment["forecast"]
        assert own["segment_key"] == segment["segment_key"]
        assert 0 <= own["bought_low"] <= own["bought"] <= own["bought_high"] <= 1
        assert own["spend_low"] <= own["spend"] <= own["spend_high"]
    total = sum(segment["forecast"]["customers"] for segment in shown["segments"])
    assert total == pytest.approx(forecast["customers"])
    text = command(scored_shop, "profile").out
    assert "What they did next: these segments, applied to what was known of" in " ".join(
        text.split()
    )


def test_what_segments_did_is_what_the_order_lines_say(scored_shop: Shop, command: Command) -> None:
    """All customers, by hand: bought in the window after the day, of those who had bought before it."""
    forecast = json.loads(command(scored_shop, "profile", "--json").out)["forecast"]
    day, window = forecast["as_of_date"], forecast["window_days"]
    (customers, bought) = scored_shop.rows(
        f"""
        with customers as (
            select customer_id, min(ordered_at) < date '{day}' as known,
                count(*) filter (
                    ordered_at >= date '{day}' and ordered_at < date '{day}' + interval {window} day
                ) > 0 as bought
            from raw.order_lines group by customer_id
        )
        select count(*), avg(cast(bought as int)) from customers where known
        """
    )[0]
    # The sample has 1,000 customers.
    assert forecast["customers"] == min(customers, 1_000)
    assert forecast["bought"] == pytest.approx(bought, abs=0.05)


def test_validate_shows_the_shares_of_earlier_days(command: Command, scored_shop: Shop) -> None:
    result = json.loads(command(scored_shop, "validate", "--json").out)
    assert sum(result["shares"]) == pytest.approx(1)
    for window in result["windows"]:
        assert window["shares"] is None or sum(window["shares"]) == pytest.approx(1)
    assert 0.5 < result["certainty"]["mean_top_membership"] <= 1
    assert (
        result["predictive_power"]["fitted_as_of_date"] < result["predictive_power"]["as_of_date"]
    )
    text = command(scored_shop, "validate").out
    assert "the model as it is, applied to earlier days" in text


@pytest.mark.parametrize("by_variable", [True, False])
def test_fit_alone_chooses_as_before(
    command: Command, features_shop: Shop, *, by_variable: bool
) -> None:
    if by_variable:
        features_shop.set_variable("model", "prefer", value="fit")
    # What dbt says of the project is asked anew.
    arguments = [] if by_variable else ["--prefer", "fit"]
    done = features_shop.warehouse_seg("fit", "--json", *arguments)
    assert done.exit_code == 0, done.err
    assert "chosen by BIC, not by what it predicts: `model.prefer` is fit" in done.err
    assert "lowest BIC among stable models" in done.err
    model = json.loads(done.out)
    features = [feature["feature"] for feature in model["features"]]
    assert features[:3] == ["recency_days", "order_count", "average_order_value"]
    assert all(candidate["prediction_loss"] is None for candidate in model["candidates"])
    # Nothing of an earlier day is read: `validate` says what the model predicts.
    assert model["training"]["forecast"] is None


def test_another_preference_is_a_mistake(command: Command, features_shop: Shop) -> None:
    assert command(features_shop, "fit", "--prefer", "beauty").exit_code == 2
    features_shop.set_variable("model", "prefer", value="beauty")
    done = features_shop.warehouse_seg("fit")
    assert done.exit_code == 2
    assert "model.prefer: Input should be 'predictive' or 'fit', found 'beauty'" in done.err


def test_features_that_a_person_named_are_obeyed(features_shop: Shop) -> None:
    features_shop.set_variable("model", "features", value=["tenure_days", "net_spend"])
    done = features_shop.warehouse_seg("fit", "--json")
    assert done.exit_code == 0, done.err
    model = json.loads(done.out)
    assert [feature["feature"] for feature in model["features"]] == ["tenure_days", "net_spend"]
    assert "screening" not in done.err
    assert {candidate["feature_set"] for candidate in model["candidates"]} == {"named"}


def test_a_history_too_short_for_three_windows_says_so(features_shop: Shop) -> None:
    features_shop.execute("delete from raw.order_lines where ordered_at < date '2026-04-20'")
    succeeded(features_shop.dbt("build", "--select", "+seg_customer_features"))
    done = features_shop.warehouse_seg("fit")
    assert done.exit_code == 0, done.err
    assert (
        "chosen by BIC, not by what it predicts: the order history is too short for 3 windows of 30 days"
        in done.err
    )


# --------------------------------------------------------------------------------------- units and categories


def refitted(stages: Stages, folder: Path, *changes: str, **columns: Any) -> dict[str, Any]:
    """The shop with changed order lines, from the lines to a model: who is in which segment, names, features."""
    shop = stages.installed().copy(folder)
    for column, expression in columns.items():
        shop.set_variable("columns", column, value=expression)
    shop.execute(*changes)
    succeeded(shop.warehouse_seg("run"))
    with duckdb.connect(str(folder / DATABASE), read_only=True) as database:
        segments = database.execute(
            "select segment_key from seg_customer_segments order by customer_id"
        ).fetchall()
        return {
            "segments": [key for (key,) in segments],
            "names": sorted(database.execute("select segment_name from seg_segments").fetchall()),
            "features": database.execute(
                "select feature from seg_model_features order by position"
            ).fetchall(),
        }


@pytest.fixture(scope="module")
def plain(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return refitted(stages, tmp_path_factory.mktemp("plain") / "shop")


@pytest.mark.parametrize("factor", ["0.01", "30", "15000"])
def test_another_currency_gives_the_same_segments(
    stages: Stages, tmp_path: Path, plain: dict[str, Any], factor: str
) -> None:
    other = refitted(stages, tmp_path / "shop", amount=f"cast(amount as decimal(18, 4)) * {factor}")
    assert adjusted_rand_score(plain["segments"], other["segments"]) >= 0.99
    assert other["names"] == plain["names"]
    assert other["features"] == plain["features"]


def test_categories_that_say_nothing_change_nothing(stages: Stages, tmp_path: Path) -> None:
    """No category column, one that is all NULL, and one single category: one and the same model."""
    results = [
        refitted(stages, tmp_path / "none", category=None),
        refitted(stages, tmp_path / "null", "update raw.order_lines set category = null"),
        refitted(stages, tmp_path / "single", "update raw.order_lines set category = 'Tea'"),
    ]
    for result in results[1:]:
        assert result["segments"] == results[0]["segments"]
        assert result["features"] == results[0]["features"]
    for result in results:
        assert not any("unknown" in name.lower() for (name,) in result["names"])
        assert not any("other" in name.lower() for (name,) in result["names"])


@pytest.mark.parametrize(
    "category",
    [
        "case when order_id % 2 = 0 then '10' else '007' end",
        "case when order_id % 2 = 0 then 'Tea' else 'tea ' end",
        "'code ' || (order_id % 10000)",
        "case when order_id % 3 = 0 then 'Other' when order_id % 3 = 1 then 'UNKNOWN' end",
    ],
)
def test_odd_categories_work(stages: Stages, tmp_path: Path, category: str) -> None:
    """Numeric codes, codes that differ by case and blanks, ten thousand of them, names for nothing."""
    result = refitted(
        stages, tmp_path / "shop", f"update raw.order_lines set category = {category}"
    )
    assert len(set(result["segments"])) > 1
    assert not any("other" in name.lower() for (name,) in result["names"])
    assert not any("unknown" in name.lower() for (name,) in result["names"])
