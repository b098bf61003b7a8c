"""How long commands that only read take, beside `dbt --version`: `make bench-cli`.

The demo's commands are run as a user runs them, round after round, so that a busy moment strikes all of them alike; the
best of five rounds counts. `dbt --version` is what any program that asks dbt has to wait for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.evidence.tables import heading, show, table, tell

ROUNDS = 5
CUSTOMERS = "3000"
READING, HELP = 1.5, 0.4
"""Times of `dbt --version` that are allowed."""

BIN = Path(sys.executable).parent
COMMANDS: dict[str, tuple[str, ...]] = {
    "dbt --version": ("dbt", "--version"),
    "warehouse-seg --help": ("warehouse-seg", "--help"),
    "warehouse-seg models": ("warehouse-seg", "models"),
    "warehouse-seg profile": ("warehouse-seg", "profile"),
    "warehouse-seg explain": ("warehouse-seg", "explain", "100001"),
    "warehouse-seg compile": ("warehouse-seg", "compile"),
}


def call(program: str, *arguments: str, folder: Path) -> float:
    """Seconds that a program takes, which must go well."""
    began = time.perf_counter()
    path = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **path},
    )
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds


def best_of(folder: Path) -> dict[str, float]:
    """Command → its best seconds; the first round, which fills caches, does not count."""
    best = dict.fromkeys(COMMANDS, float("inf"))
    for number in range(ROUNDS + 1):
        for name, command in COMMANDS.items():
            seconds = call(*command, folder=folder)
            if number:
                best[name] = min(best[name], seconds)
        tell(f"round {number} of {ROUNDS}")
    return best


def main() -> int:
    """Print the table; 1 where a command takes longer than it may."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        call(
            "warehouse-seg",
            "demo",
            "--dir",
            str(shop),
            "--customers",
            CUSTOMERS,
            folder=shop.parent,
        )
        best = best_of(shop)
    unit = best["dbt --version"]
    allowed = {
        name: HELP if name.endswith("--help") else READING
        for name in COMMANDS
        if name.startswith("warehouse-seg")
    }
    show(heading("Answers at once", f"The demo of {CUSTOMERS} customers, best of {ROUNDS}."))
    rows = [
        (name, f"{seconds:.2f}", f"{seconds / unit:.2f}", f"{allowed.get(name, 1):.1f}")
        for name, seconds in best.items()
    ]
    show(table(("command", "seconds", "times `dbt --version`", "allowed"), rows))
    return int(any(best[name] > times * unit for name, times in allowed.items()))


if __name__ == "__main__":
    sys.exit(main())
