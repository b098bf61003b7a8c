"""The suite tells the truth about what it ran: the data it had and the DuckDB it was started for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
TWO_TESTS_ON_DATA = """
    def test_one(data_folder):
        assert (data_folder / "rows.csv").exists()

    def test_other(data_folder):
        pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of two tests with this project's conftest, on a machine without the data folder."""
    monkeypatch.setenv("WAREHOUSE_SEG_TEST_DATA", str(pytester.path / "data"))
    monkeypatch.delenv("CI", raising=False)
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile(TWO_TESTS_ON_DATA)
    return pytester


def test_missing_data_skips_with_one_visible_line(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess()
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["2 tests skipped: the data folder is absent: *"])


def test_missing_data_fails_in_ci(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = suite.runpytest_subprocess()
    result.assert_outcomes(errors=2)


def test_present_data_is_used(suite: pytest.Pytester) -> None:
    suite.mkdir("data").joinpath("rows.csv").touch()
    result = suite.runpytest_subprocess()
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*tests skipped*")


def test_another_duckdb_than_expected_is_refused(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPECTED_DUCKDB", "0.0.1")
    result = suite.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*EXPECTED_DUCKDB is 0.0.1, but {duckdb.__version__} is *"])


@pytest.mark.both_duckdb
def test_programs_started_by_a_test_import_the_same_duckdb() -> None:
    """`PYTHONPATH` reaches dbt and the command line too, so the second run is wholly on the older client."""
    command = [sys.executable, "-c", "import duckdb; print(duckdb.__version__)"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == duckdb.__version__
