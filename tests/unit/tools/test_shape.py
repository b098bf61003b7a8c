"""`make shape` sees each fault that is planted in a small sound package, alone, and this repository has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.shape.__main__ import CHECKOUT, measure, table

PYPROJECT = """
[tool.importlinter]
root_package = "planted_package"

[[tool.importlinter.contracts]]
name = "Rooms import only rooms below them"
type = "layers"
containers = ["planted_package"]
layers = ["views", "orders | prices", "errors"]
"""
DAY = """
{#- The day of a time. -#}
{%- macro seg_day(column) -%}
{%- set day = 'cast(' ~ column ~ ' as date)' -%}
{{ day }}
{%- endmacro -%}
"""
SOUND = {
    "pyproject.toml": PYPROJECT,
    "planted_package/__init__.py": '"""A shop."""\n',
    "planted_package/views/__init__.py": '"""Views."""\n',
    "planted_package/views/page.py": '"""A page."""\n\nfrom planted_package.orders import lines\n',
    "planted_package/orders/__init__.py": '"""Orders."""\n',
    "planted_package/orders/lines.py": '"""Lines."""\n\n\ndef total() -> int:\n    """0."""\n    return 0\n',
    "planted_package/orders/dates.py": '"""Dates."""\n\nFIRST = 1\n',
    "planted_package/prices/__init__.py": '"""Prices."""\n',
    "planted_package/errors.py": '"""Errors."""\n\nNONE = None\n',
    "dbt_project/macros/dates/seg_day.sql": DAY,
    "dbt_project/models/orders.sql": "select {{ seg_day('ordered_at') }} as order_date\n",
    "sql/orders.sql": "select order_date from orders\n",
}
LONG_FUNCTION = '\n\ndef long() -> int:\n    """0."""\n' + "    print()\n" * 48 + "    return 0\n"
NESTED = (
    "\n\ndef _outer() -> None:\n    def inner() -> None:\n"
    + "        print()\n" * 49
    + "    inner()\n"
)

# What is added to which file → the one fact that it must break.
FAULTS = {
    "an import upward": (
        "planted_package/orders/lines.py",
        "from planted_package.views import __name__\n",
        {"imports of a room above", "circles of rooms"},
    ),
    "an import of a sibling": (
        "planted_package/prices/list.py",
        '"""List."""\n\nfrom planted_package.orders import lines\n',
        {"imports of a room above"},
    ),
    "a circle in a room": (
        "planted_package/orders/dates.py",
        "from planted_package.orders import times\n",
        {"circles of modules"},
    ),
    "a room without a layer": (
        "planted_package/cellar/__init__.py",
        '"""A cellar."""\n',
        {"rooms that no layer names"},
    ),
    "a long module": (
        "planted_package/orders/dates.py",
        "FIRST = 1\n" * 398,
        {"longest module, lines"},
    ),
    "a long function": ("planted_package/errors.py", LONG_FUNCTION, {"longest function, lines"}),
    "a long function inside a function": (
        "planted_package/errors.py",
        NESTED,
        {"longest function, lines"},
    ),
    "a class without a docstring": (
        "planted_package/errors.py",
        "class Refused(Exception): ...\n",
        {"public docstrings"},
    ),
    "a method without a docstring": (
        "planted_package/errors.py",
        'class Order:\n    """O."""\n    def total(self) -> int:\n        return 0\n',
        {"public docstrings"},
    ),
    "a module without a docstring": (
        "planted_package/orders/times.py",
        "NOON = 12\n",
        {"public docstrings"},
    ),
    "a private function without a return type": (
        "planted_package/errors.py",
        "def _nothing():\n    return None\n",
        {"return types"},
    ),
    "a wide line of a macro": (
        "dbt_project/macros/dates/seg_day.sql",
        "{#- " + "wide " * 24 + "-#}\n",
        {"SQL lines over 120 characters"},
    ),
    "a wide line of a statement": (
        "sql/orders.sql",
        "-- " + "wide" * 30 + "\n",
        {"SQL lines over 120 characters"},
    ),
    "a tab": ("sql/orders.sql", "\t-- tab\n", {"SQL lines with a tab or a trailing space"}),
    "a trailing space": (
        "sql/orders.sql",
        "-- end \n",
        {"SQL lines with a tab or a trailing space"},
    ),
    "a keyword in capitals": ("sql/orders.sql", "WHERE true\n", {"SQL keywords in capitals"}),
    "a sort key without a direction": (
        "sql/orders.sql",
        "select 1 as a order by a nulls last\n",
        {"sort keys without direction and place of NULL"},
    ),
    "the second sort key without a place of NULL": (
        "sql/orders.sql",
        "select rank() over (order by f(a, b) asc nulls last, b desc) as a limit 1\n",
        {"sort keys without direction and place of NULL"},
    ),
    "a macro of another name": (
        "dbt_project/macros/dates/seg_day.sql",
        "{% macro day() %}{{ day() }}{% endmacro %}\n",
        {"macros whose name starts otherwise than seg_"},
    ),
    "a macro without a comment": (
        "dbt_project/macros/dates/seg_day.sql",
        "{% macro seg_week() %}\n{{ seg_week() }}\n\n{% endmacro %}\n",
        {"macros of more than one expression without a comment"},
    ),
    "a macro that only a comment names": (
        "dbt_project/macros/dates/seg_day.sql",
        "{#- seg_week() -#}\n{% macro seg_week() %}week{% endmacro %}\n",
        {"macros that nothing calls"},
    ),
}


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which every fact holds, importable as the checkout of this repository is."""
    for name, text in SOUND.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    # Whatever imports times imports dates in turn, once a fault closes the circle.
    times = '"""Times."""\n\nfrom planted_package.orders import dates\n'
    (tmp_path / "planted_package/orders/times.py").write_text(times)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def broken(root: Path) -> set[str]:
    return {fact.name for fact in measure(root) if not fact.holds}


def test_a_sound_package_breaks_nothing(sound: Path) -> None:
    assert not broken(sound), table(measure(sound))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_breaks_its_fact_alone(sound: Path, fault: str) -> None:
    place, text, expected = FAULTS[fault]
    file = sound / place
    file.parent.mkdir(exist_ok=True)
    # A module without a docstring is one that lost it.
    before = file.read_text() if file.exists() and fault != "a module without a docstring" else ""
    file.write_text(before + text)
    assert broken(sound) == expected


def test_the_median_of_many_middling_modules_is_too_long(sound: Path) -> None:
    for number in range(9):
        middling = '"""Middling."""\n' + "FIRST = 1\n" * 120
        (sound / f"planted_package/orders/middling_{number}.py").write_text(middling)
    assert broken(sound) == {"median module, lines"}


def test_the_table_names_the_place_of_a_fault(sound: Path) -> None:
    (sound / "sql/orders.sql").write_text("select 1\nFROM orders\n")
    (line,) = [line for line in table(measure(sound)).splitlines() if "orders.sql" in line]
    assert line.strip() == "sql/orders.sql:2"


def test_a_long_list_of_places_is_cut(sound: Path) -> None:
    (sound / "sql/orders.sql").write_text("FROM orders\n" * 7)
    assert "and 2 more: python -m tools.shape --verbose" in table(measure(sound), 5)


def test_this_repository_keeps_its_shape() -> None:
    facts = measure(CHECKOUT)
    assert all(fact.holds for fact in facts), f"\n{table(facts)}"
