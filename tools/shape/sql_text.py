"""The hand-written SQL: how wide its lines are, and whether each macro has its name, its reason and a user.

sqlfluff reads the models (`make check`); a macro by itself is no statement, so what it must keep is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.shape.facts import Fact, Measure, count

LINE_WIDTH = 120
# Generated statements have tests of their own and are as wide as the model that they hold.
STATEMENTS = ("dbt_project/**/*.sql", "sql/*.sql")
MACROS = "dbt_project/macros/**/*.sql"
# Where a macro may be called: dbt's SQL and YAML, and the statements and modules of the Python layer.
USERS = ("dbt_project/**/*.sql", "dbt_project/**/*.yml", "sql/*.sql", "{package}/**/*.py")

MACRO = re.compile(r"\{%-?\s*macro\s+(\w+).*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
TEXT_IN_QUOTES = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
CAPITALS = re.compile(
    r"\b(SELECT|FROM|WHERE|GROUP|ORDER|JOIN|LEFT|UNION|CASE|WHEN|THEN|ELSE|END|AND|OR|NOT|NULL|AS|CAST|"
    r"SUM|COUNT|COALESCE|WITH|OVER|PARTITION|LIMIT|HAVING|DISTINCT|INSERT|CREATE|TABLE)\b"
)

SORTING = re.compile(r"\border by\b")
SORTED = re.compile(r"\b(asc|desc|jinja) nulls (first|last)$")
JINJA = re.compile(r"(\{\{.*?\}\})|\{%.*?%\}", re.DOTALL)


@dataclass(frozen=True)
class Macro:
    """One macro of the dbt package, and where it stands."""

    name: str
    place: str
    lines: int
    has_comment: bool


def sql_facts(root: Path, package: str) -> list[Fact]:
    """Line widths, white space, keywords, and the macros' names, comments and uses below `root`."""
    texts = _texts(root, STATEMENTS)
    macros = read_macros(root)
    foreign = [macro.place for macro in macros if not macro.name.startswith("seg_")]
    return [
        count(f"SQL lines over {LINE_WIDTH} characters", _places(texts, _is_wide)),
        count("SQL lines with a tab or a trailing space", _places(texts, _is_untidy)),
        count("SQL keywords in capitals", _places(_without_comments(texts), _is_loud)),
        count("sort keys without direction and place of NULL", _unplaced(_without_comments(texts))),
        Fact("macros", str(len(macros))),
        count("macros whose name starts otherwise than seg_", foreign),
        # A macro of three lines is its own explanation: a name and one expression.
        count("macros of more than one expression without a comment", _unexplained(macros)),
        count("macros that nothing calls", _unused(root, package, macros)),
    ]


def read_macros(root: Path) -> list[Macro]:
    """Every macro of the dbt package below `root`."""
    macros = []
    for place, text in _texts(root, (MACROS,)).items():
        for match in MACRO.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            explained = text[: match.start()].rstrip().endswith("#}")
            lines = match[0].count("\n") + 1
            macros.append(Macro(match[1], f"{place}:{line} {match[1]}", lines, explained))
    return macros


def macro_lengths(root: Path) -> list[Measure]:
    """The length of each macro, without its comment."""
    return [Measure(macro.lines, macro.place) for macro in read_macros(root)]


def _texts(root: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    """Place → text of each file that matches a pattern."""
    files = sorted({path for pattern in patterns for path in root.glob(pattern)})
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in files}


def _places(texts: dict[str, str], is_fault: Callable[[str], bool]) -> list[str]:
    return [
        f"{place}:{number}"
        for place, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if is_fault(line)
    ]


def _is_wide(line: str) -> bool:
    return len(line) > LINE_WIDTH


def _is_untidy(line: str) -> bool:
    return "\t" in line or line != line.rstrip()


def _is_loud(line: str) -> bool:
    return CAPITALS.search(TEXT_IN_QUOTES.sub("", line)) is not None


def _unplaced(texts: dict[str, str]) -> list[str]:
    """A profile may turn an engine's defaults round (`default_order: desc` on DuckDB), and engines differ in them."""
    return [
        f"{place}:{text.count(chr(10), 0, match.start()) + 1} {key}"
        for place, text in texts.items()
        for match in SORTING.finditer(text)
        for key in _sort_keys(JINJA.sub(_placeholder, text[match.end() :]))
        if not SORTED.search(key)
    ]


def _placeholder(jinja: re.Match[str]) -> str:
    return "jinja" if jinja[1] else ""


def _sort_keys(text: str) -> list[str]:
    """The keys at the start of what follows `order by`."""
    depth, keys, key = 0, [], ""
    for word in re.findall(r"\w+|\s+|.", text):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0 or (depth == 0 and word in ("limit", '"', "rows", "~", "'")):
            break
        if depth == 0 and word == ",":
            keys.append(key.strip())
            key = ""
        else:
            key += word
    # A comma of a Jinja loop stands behind the last key too.
    return [key for key in [*keys, key.strip()] if key]


def _without_comments(texts: dict[str, str]) -> dict[str, str]:
    """The same lines at the same numbers, comments blank."""
    return {place: _blank(text) for place, text in texts.items()}


def _blank(text: str) -> str:
    return COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)


def _unexplained(macros: list[Macro]) -> list[str]:
    return [macro.place for macro in macros if macro.lines > 3 and not macro.has_comment]


def _unused(root: Path, package: str, macros: list[Macro]) -> list[str]:
    """A comment that names a macro does not use it, and neither does its own definition."""
    users = tuple(pattern.format(package=package) for pattern in USERS)
    texts = (_blank(text) for text in _texts(root, users).values())
    called = re.sub(r"\{%-?\s*macro\s+\w+", "", "\n".join(texts))
    words = set(re.findall(r"\w+", called))
    return [macro.place for macro in macros if macro.name not in words]
