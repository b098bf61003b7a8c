"""Names that nothing cuts, numbers or runs: whole words, the order of size, no formulas."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.unit.segments.test_naming import SHOP, model_of, names
from warehouse_seg.model.feature import Category, Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.spreadsheet_text import begins_formula
from warehouse_seg.segments.naming import named
from warehouse_seg.segments.size_words import with_size_words
from warehouse_seg.segments.vocabulary import LONGEST_WORD, UNREADABLE, words_of_column

# ----------------------------------------------------------------------------------------------- whole words


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("yearly_income", "yearly income"),
        ("MntSweetProductsInTheLastTwoYears", "MntSweetProductsInTheLastTwoYears"),
        ("share_of_purchases_in_the_first_week", "share of purchases in …"),
        ("number_of_web_visits_month", "number of web visits month"),
        ("number_of_web_visits_months", "number of web visits …"),
        ("household  income__eur", "household income eur"),
        ("Lebensmitteleinzelhandelsgesellschaft_Umsatz", "Lebensmitteleinzelhandelsgesellschaft …"),
        ("日本のお土産", "日本のお土産"),
        ("x" * (LONGEST_WORD + 1), UNREADABLE),
        ("_", "_"),
    ],
)
def test_words_of_a_column_are_whole(column: str, words: str) -> None:
    assert words_of_column(column) == words
    complete = column.replace("_", " ").split() or [column]
    if words != UNREADABLE:
        assert all(word in complete for word in words.removesuffix(" …").split())


@pytest.mark.parametrize("length", [3, 20, 40, 60, 61, 120])
def test_a_name_fits_however_long_the_words_are(length: int) -> None:
    features = [Feature(feature=f"{letter * length}_b") for letter in "acdefg"]
    generator = np.random.default_rng(length)
    model = named(model_of(features, *generator.normal(scale=1.2, size=(12, len(features)))))
    assert len(set(names(model))) == 12
    for name in names(model):
        assert len(name) <= 200
        for word in re.findall(r"[acdefg]{3,}", name.lower()):
            assert len(word) == length


# ------------------------------------------------------------------------------------------ the order of size


def sized(weights: list[float], *means: list[float]) -> SegmentModel:
    model = model_of(SHOP, *means)
    components = (
        component.model_copy(update={"weight": weight})
        for component, weight in zip(model.components, weights, strict=True)
    )
    return model.model_copy(update={"components": tuple(components)})


LAPSED = [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([0.6, 0.4], ["Lapsed (largest)", "Lapsed (second largest)"]),
        ([0.4, 0.6], ["Lapsed (second largest)", "Lapsed (largest)"]),
        ([0.5, 0.5], ["Lapsed (largest)", "Lapsed (second largest)"]),
        (
            [0.2, 0.5, 0.3],
            ["Lapsed (third largest)", "Lapsed (largest)", "Lapsed (second largest)"],
        ),
        (
            [0.4, 0.3, 0.2, 0.1],
            [f"Lapsed ({word}largest)" for word in ("", "second ", "third ", "fourth ")],
        ),
    ],
)
def test_equal_segments_are_told_apart_by_their_size(
    weights: list[float], expected: list[str]
) -> None:
    assert names(named(sized(weights, *[LAPSED] * len(weights)))) == expected


@pytest.mark.parametrize(
    ("weights", "inherited", "expected"),
    [
        ([0.6, 0.4], {"s1": "Lapsed"}, ["Lapsed", "Lapsed (second largest)"]),
        ([0.4, 0.6], {"s1": "Lapsed"}, ["Lapsed", "Lapsed (largest)"]),
        # s1 keeps its name though it shrank, so that its words are taken.
        ([0.4, 0.6], {"s1": "Lapsed (largest)"}, ["Lapsed (largest)", "Lapsed (s2)"]),
        (
            [0.5, 0.3, 0.2],
            {"s1": "Lapsed (largest)", "s2": "Lapsed (second largest)"},
            ["Lapsed (largest)", "Lapsed (second largest)", "Lapsed (third largest)"],
        ),
        ([0.5, 0.5], {"s1": "Champions"}, ["Champions", "Lapsed"]),
    ],
)
def test_a_segment_that_goes_on_keeps_its_name_and_new_ones_find_another(
    weights: list[float], inherited: dict[str, str], expected: list[str]
) -> None:
    model = sized(weights, *[LAPSED] * len(weights))
    assert names(named(model, inherited=inherited)) == expected


def test_thirteen_equal_segments_have_thirteen_names() -> None:
    keys = [f"s{k}" for k in range(1, 14)]
    named_keys = with_size_words(
        dict.fromkeys(keys, "Lapsed"), {}, {key: 1 / k for k, key in enumerate(keys, start=1)}
    )
    assert len(set(named_keys.values())) == 13
    assert named_keys["s13"] == "Lapsed (13th largest)"


@pytest.mark.parametrize("seed", range(10))
def test_no_name_ends_in_a_number_and_names_are_the_same_every_time(seed: int) -> None:
    """Many segments close to each other: few differ by a word."""
    means = np.random.default_rng(seed).normal(scale=0.25, size=(14, len(SHOP)))
    model = model_of(SHOP, *means.tolist())
    first = names(named(model))
    assert len(set(first)) == 14
    assert not any(re.search(r" \d+$", name) for name in first)
    assert first == names(named(model))


def test_where_not_all_differ_by_words_those_that_can_do() -> None:
    """Two are alike in everything, the third buys wine."""
    wine = [1.0, 0.0, 0.0, 0.7]
    assert names(named(sized([0.5, 0.3, 0.2], LAPSED, LAPSED, wine))) == [
        "Lapsed (largest)",
        "Lapsed (second largest)",
        "Lapsed · wine",
    ]


# --------------------------------------------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    "category",
    ["=1+1", "+49 170", "-5 % week", "@SUM(A1)", "＝1+1", " =HYPERLINK(0)", "=cmd|' /C calc'!A0"],
)
def test_no_name_begins_as_a_formula_does(category: str) -> None:
    wine = Feature(feature="spend_wine", transform="log1p", clip_low=0, center=2, scale=2)
    model = model_of((wine,), [1.5], [-0.2]).model_copy(
        update={"categories": (Category(category=category, column_suffix="wine"),)}
    )
    for component in named(model).components:
        assert not begins_formula(component.segment_name)
        assert not begins_formula(component.description)
    assert names(named(model))[0] == f"Buys {words_of_column(category.strip().lower())}"


@pytest.mark.parametrize(
    ("text", "is_formula"),
    [
        *((f"{start}1", True) for start in "=+-@\t\r\n＝＋－＠"),
        ("  =1", True),
        *((text, False) for text in ("", "tea", "tea = good", "a-b", "5 + 5", "'=1", "−1")),
    ],
)
def test_a_formula_is_known_by_how_it_begins(text: str, is_formula: bool) -> None:
    assert begins_formula(text) is is_formula
