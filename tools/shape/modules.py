"""How long modules and functions are, and whether each public thing says what it promises and returns."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator

from tools.shape.facts import Fact, Measure, Source, longest, share

MEDIAN_MODULE_LINES = 120
LONGEST_MODULE_LINES = 400
LONGEST_FUNCTION_LINES = 50

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def module_facts(sources: list[Source]) -> list[Fact]:
    """Lengths, docstrings and return types of a package's modules."""
    modules, functions = module_lengths(sources), function_lengths(sources)
    return [
        Fact("modules with code", str(len(modules))),
        _median(modules),
        longest("longest module, lines", modules, LONGEST_MODULE_LINES),
        longest("longest function, lines", functions, LONGEST_FUNCTION_LINES),
        _docstrings(sources),
        _return_types(sources),
    ]


def module_lengths(sources: list[Source]) -> list[Measure]:
    """The length of each module that holds code: a room's empty `__init__` would only lower the median."""
    return [
        Measure(len(source.text.splitlines()), source.place)
        for source in sources
        if source.holds_code
    ]


def function_lengths(sources: list[Source]) -> list[Measure]:
    """Each function from `def` to its last line: its docstring and the functions inside it count."""
    return [
        Measure((node.end_lineno or node.lineno) - node.lineno + 1, _place(source, node))
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, FUNCTION)
    ]


def _place(source: Source, node: Definition) -> str:
    return f"{source.place}:{node.lineno} {node.name}"


def _median(modules: list[Measure]) -> Fact:
    middle = statistics.median([module.lines for module in modules] or [0])
    limit = f"at most {MEDIAN_MODULE_LINES}"
    return Fact("median module, lines", f"{middle:g}", limit, middle <= MEDIAN_MODULE_LINES)


def _docstrings(sources: list[Source]) -> Fact:
    """Modules, and public classes, functions and methods. A dunder is said by its class."""
    lacking = [source.place for source in sources if ast.get_docstring(source.tree) is None]
    total = len(sources)
    for source in sources:
        for node in _public(source.tree):
            total += 1
            if ast.get_docstring(node) is None:
                lacking.append(_place(source, node))
    return share("public docstrings", total, lacking)


def _public(parent: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """What a reader may use of a module: not what stands inside a function."""
    for node in parent.body:
        if isinstance(node, (*FUNCTION, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def _return_types(sources: list[Source]) -> Fact:
    """Of every function, private ones too."""
    functions = [
        (source, node)
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, FUNCTION)
    ]
    lacking = [_place(source, node) for source, node in functions if node.returns is None]
    return share("return types", len(functions), lacking)
