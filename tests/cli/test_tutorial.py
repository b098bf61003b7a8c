"""The tutorial's commands as written, in an empty folder, with a shop that its own generator draws."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|--) (\S+\.(?:yml|sql))\n")


def blocks() -> Iterator[tuple[str, str]]:
    """Kind and text of every block that has a kind."""
    yield from BLOCK.findall(TUTORIAL.read_text())


def run(script: str, folder: Path) -> str:
    """Everything that the commands print; the venv's programs come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def steps(text: str) -> list[str]:
    """What each step says, without what differs from shop to shop: numbers and what follows them."""
    lines = [line for line in text.splitlines() if line.startswith("✓")]
    return [re.split(r"[\d(]", line)[0].strip() for line in lines]


def test_the_tutorial_as_written(tmp_path: Path) -> None:
    printed = ""
    for kind, text in blocks():
        named = FILE.match(text)
        if kind == "sh" and not text.startswith("pip install"):
            printed = run(text, tmp_path)
        elif named is not None:
            (tmp_path / named[1]).parent.mkdir(exist_ok=True)
            (tmp_path / named[1]).write_text(text)
        elif kind == "text":
            shown = steps(text)
            assert shown
            for step in shown:
                assert step in steps(printed), step
    with duckdb.connect(str(tmp_path / "jaffle_shop.duckdb"), read_only=True) as database:
        ((left,),) = database.execute(
            "select count(*) from information_schema.tables where table_name like 'seg%'"
        ).fetchall()
    assert left == 0, "the last command takes everything out again"
    assert "warehouse_seg" not in (tmp_path / "dbt_project.yml").read_text()


def test_the_tutorial_covers_what_it_promises() -> None:
    written = "".join(text for kind, text in blocks() if kind == "sh")
    for command in ("init", "debug", "run", "profile", "explain", "fit", "rollback", "uninstall"):
        assert f"warehouse-seg {command}" in written
