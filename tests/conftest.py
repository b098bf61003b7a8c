"""What every test may ask for: the folder of real data, and the DuckDB that this run is about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import hypothesis
import pytest

from tests.real_data import project

DATA_FOLDER_ABSENT = "the data folder is absent"

# Two test workers share two cores: how long one example takes says nothing. In CI the same examples each time.
hypothesis.settings.register_profile("patient", deadline=None, derandomize=bool(os.getenv("CI")))
hypothesis.settings.load_profile("patient")


# Tests are no usage of dbt, and where its statistics cannot be sent each call waits for the attempt.
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")


def pytest_configure() -> None:
    """Refuse to test another DuckDB than the run was started for."""
    expected = os.getenv("EXPECTED_DUCKDB", duckdb.__version__)
    if duckdb.__version__ != expected:
        raise pytest.UsageError(
            f"EXPECTED_DUCKDB is {expected}, but {duckdb.__version__} is imported from "
            f"{Path(duckdb.__file__).parent}; put the folder of {expected} first on PYTHONPATH."
        )


def pytest_report_header() -> str:
    return f"DuckDB {duckdb.__version__} from {Path(duckdb.__file__).parent}"


@pytest.fixture(scope="session")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """One DuckDB in memory, for whoever leaves nothing in it that another test could trip over."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Public data sets beside the checkout, or where WAREHOUSE_SEG_TEST_DATA says.

    Without them a test that asks for this is skipped, and fails when CI=true.
    """
    folder = project.data_folder()
    if folder.is_dir():
        return folder
    reason = f"{DATA_FOLDER_ABSENT}: {folder}; WAREHOUSE_SEG_TEST_DATA names another"
    if os.getenv("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for all tests without their data, so that a green run cannot hide them."""
    skipped = [
        str(report.longrepr[2])
        for report in terminalreporter.getreports("skipped")
        if isinstance(report.longrepr, tuple) and DATA_FOLDER_ABSENT in str(report.longrepr[2])
    ]
    if skipped:
        reason = skipped[0].removeprefix("Skipped: ")
        terminalreporter.write_line(f"{len(skipped)} tests skipped: {reason}", yellow=True)
