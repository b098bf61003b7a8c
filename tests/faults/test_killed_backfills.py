"""A killed backfill leaves every date whole or absent, and the same command makes each of them once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.killed_backfills import EVERY, RANDOM_KILLS
from tests.small_shop import Stages

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def result(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("killed") / "shop"
    stages.with_history().copy(folder)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_backfills", str(folder)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_was_killed_everywhere(result: Any) -> None:
    assert result["statements"] > 20
    signals = [kill["signal"] for kill in result["kills"]]
    counted = len(range(0, result["statements"], EVERY))
    assert len(signals) == counted + RANDOM_KILLS
    assert signals[:counted] == [signal.SIGKILL] * counted
    assert len({len(kill["left"]) for kill in result["kills"]}) > 3


def test_a_date_is_whole_or_absent(result: Any) -> None:
    (whole, _) = result["whole"]
    for kill in result["kills"]:
        assert [date for date in kill["left"] if date not in whole] == []


def test_the_same_command_makes_every_date_once(result: Any) -> None:
    whole, content = result["whole"]
    assert all(rows == customers for _, rows, customers in whole)
    for kill in result["kills"]:
        assert kill["then"] == whole
        assert kill["content"] == content
