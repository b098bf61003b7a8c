"""`compile` prints the SQL and nothing else on stdout; how long it is, and what is too long, on stderr."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shop_fixtures import Command
from tests.small_shop import Shop
from tools.generate_sql import reference_model
from warehouse_seg.commands.models import stored_model
from warehouse_seg.scoring import limits
from warehouse_seg.scoring.statement import compile_scores


@pytest.fixture
def tiny_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault planted: an engine that takes hardly any text."""
    tiny = limits.Limit("bytes", 1_000, "refuses longer statements")
    monkeypatch.setitem(limits.LIMITS, "duckdb", (tiny,))


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    path.write_text(reference_model().to_json())
    return path


def test_the_length_is_said_beside_the_sql(
    command: Command, features_shop: Shop, model_file: Path
) -> None:
    done = command(features_shop, "compile", "--model", str(model_file), "--dialect", "trino")
    text = compile_scores(reference_model(), "seg_customer_features", "trino")
    assert done.out == text
    assert f"{len(text):,} characters ({len(text):,} bytes), 2 segments × 3 features" in done.err
    assert "warning" not in done.err
    assert done.exit_code == 0


@pytest.mark.usefixtures("tiny_limit")
def test_what_is_too_long_is_printed_with_a_warning(
    command: Command, features_shop: Shop, model_file: Path
) -> None:
    done = command(features_shop, "compile", "--model", str(model_file))
    assert done.out == compile_scores(reference_model(), "seg_customer_features", "duckdb")
    assert "warning: duckdb refuses longer statements: found" in done.err
    assert done.exit_code == 0


@pytest.mark.usefixtures("tiny_limit")
def test_a_fit_warns_before_its_model_becomes_active(command: Command, scored_shop: Shop) -> None:
    done = command(scored_shop, "fit", "--accept-changes")
    assert "warning: duckdb refuses longer statements: found" in done.err
    assert "model version 2 is active" in done.out
    assert done.exit_code == 0


@pytest.mark.usefixtures("tiny_limit")
def test_what_a_fit_warns_of_has_the_branches_for_missing_features(
    command: Command, features_shop: Shop
) -> None:
    features_shop.execute(
        "update seg_customer_rfm set average_order_value = null where customer_id % 10 = 7"
    )
    done = command(features_shop, "fit", "--prefer", "fit", "--verbose")
    (size,) = re.findall(r"longer statements: found ([\d,]+) bytes", done.err)
    text = stored_model(features_shop.project, None).score_sql("seg_customer_features")
    assert "average_order_value: not measured" in done.err
    assert int(size.replace(",", "")) > 1.4 * len(text) + limits.WRAPPING_BYTES
