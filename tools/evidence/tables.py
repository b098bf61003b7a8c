"""How the evidence is printed: Markdown that the documents show, headed by what it was made with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from warehouse_seg.model.segment_model import SegmentModel


def heading(title: str, note: str) -> str:
    """A title, the commit and versions that the figures belong to, and a note."""
    folder = Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    packages = ("numpy", "scipy", "scikit-learn")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"## {title}\n\nCommit {commit.stdout.strip() or 'unknown'}; {versions}. {note}\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def show(text: str) -> None:
    """Print a part at once: the whole takes long."""
    print(text, flush=True)


def tell(line: object) -> None:
    """Progress is talk, not a result."""
    print(line, file=sys.stderr, flush=True)


def recommended(model: SegmentModel) -> str:
    """The sentence that recommends a model, and its warnings."""
    return ". ".join(
        [model.training.recommendation, *(warning.text for warning in model.training.warnings)]
    )
