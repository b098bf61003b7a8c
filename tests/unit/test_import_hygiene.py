"""What an import costs: whoever only renders SQL or asks for `--help` loads none of the heavy packages.

The import-linter contracts in pyproject.toml read the source; they cannot tell an import at the top of a module
from one put off into the function that needs it. These tests import for real and look at what was loaded.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

import warehouse_seg

# scikit-learn alone takes as long to import as everything else that `--help` needs.
HEAVY = frozenset({"sklearn", "ibis", "pandas", "pyarrow"})
CONNECTION = frozenset({"duckdb"})
ARRAYS = frozenset({"numpy", "scipy"})
LEARNING = frozenset({"sklearn", "scipy", "pandas", "pyarrow", "dbt"})
"""What commands that only read have no use for; dbt answers in a process of its own."""

FORBIDDEN = {
    "warehouse_seg": HEAVY | CONNECTION | ARRAYS,
    "warehouse_seg.cli.app": HEAVY | CONNECTION | ARRAYS | LEARNING,
    "warehouse_seg.commands.models": LEARNING,
    "warehouse_seg.commands.profile": LEARNING,
    "warehouse_seg.commands.explain": LEARNING,
    "warehouse_seg.commands.compile": LEARNING,
    "warehouse_seg.model.segment_model": HEAVY | CONNECTION,
    "warehouse_seg.sql.rendering": HEAVY | CONNECTION | ARRAYS,
    "warehouse_seg.resources": HEAVY | CONNECTION | ARRAYS,
}


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that a fresh interpreter has after the statement."""
    program = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", FORBIDDEN)
def test_import_loads_nothing_heavy(module: str) -> None:
    leaked = loaded_by(f"import {module}") & FORBIDDEN[module]
    assert not leaked


def test_the_check_sees_a_heavy_import() -> None:
    assert "pandas" in loaded_by("import pandas")


@pytest.mark.parametrize("name", warehouse_seg.__all__)
def test_public_names_resolve(name: str) -> None:
    """The other half of putting an import off: it still happens when the name is asked for."""
    assert getattr(warehouse_seg, name) is not None
