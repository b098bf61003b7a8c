"""A model is JSON and rows: nothing in the package reads or writes a format that can run code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import warehouse_seg

PACKAGE = Path(warehouse_seg.__file__).parent
RUN_CODE_WHEN_READ = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
READERS = {"read_pickle", "to_pickle", "allow_pickle", "__reduce__", "__getstate__", "__setstate__"}


def names_in(source: str) -> Iterator[str]:
    """Every name that the code imports, reads or passes."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=imported):
                yield from (alias.name.partition(".")[0] for alias in imported)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name


def forbidden_in(source: str) -> set[str]:
    return set(names_in(source)) & (RUN_CODE_WHEN_READ | READERS)


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_no_pickle(file: Path) -> None:
    assert not forbidden_in(file.read_text("utf-8"))


@pytest.mark.parametrize(
    "fault",
    [
        "import pickle",
        "from joblib import dump",
        "import joblib.numpy_pickle",
        "pandas.read_pickle(path)",
        "np.load(path, allow_pickle=True)",
        "def __reduce__(self): ...",
    ],
)
def test_the_check_sees_it(fault: str) -> None:
    assert forbidden_in(fault)
