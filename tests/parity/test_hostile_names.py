"""Whatever columns, tables and segments are called, they are scored: a name is only a name."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scored import score, score_relation
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.sql.rendering import render

pytestmark = pytest.mark.both_duckdb

Array = NDArray[np.float64]

NAMES = [
    "with space",
    'double"quote',
    "single'quote",
    "both\"and'",
    "back`tick",
    "'; drop table customers; --",
    "/* comment */",
    "{{ jinja }} {% if %}",
    "percent % sign",
    "dot.ted",
    "bracket[1]",
    "$1",
    "?",
    "1 starts with a digit",
    "ends with a comma,",
    "MixedCase",
    "Straße",
    "выручка",
    "顧客の支出",
    "e\u0301 combining",
    "😀",
    " ",
    "a" * 60,
    "n" * 50 + "_" + "x" * 9,
    "select",
    "null",
    "current_date",
    "pivot_longer",
    "json_value",
    # What the SQL itself calls its columns and steps:
    "x_2",
    "z_1",
    "y_s1_1",
    "total",
    "maximum",
    "standardized",
    "shifted_s1",
    "membership_s1",
    "log_density",
    "missing_features",
    "model_version",
]


def model_over(names: list[str]) -> SegmentModel:
    """Two segments, another mean and variance for every feature, so that no two may be mixed up."""
    size = len(names)
    steps = np.arange(1, size + 1) / size
    return SegmentModel(
        covariance_type="diag",
        features=tuple(Feature(feature=name, median=-0.5) for name in names),
        components=(
            Component.from_covariance("s1", 0.625, steps, np.diag(1 + steps)),
            Component.from_covariance("s2", 0.375, -steps, np.diag(2 - steps / 2)),
        ),
    )


def values_of(count: int) -> Array:
    return np.random.default_rng(1).normal(size=(4, count))


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_may_have_any_name(database: duckdb.DuckDBPyConnection, name: str) -> None:
    """Beside a feature of a plain name, before and after it."""
    values = values_of(2)
    plain = score(database, model_over(["a", "b"]), {"a": values[:, 0], "b": values[:, 1]})
    for names in ([name, "plain"], ["plain", name]):
        columns = {names[0]: values[:, 0], names[1]: values[:, 1]}
        scores = score(database, model_over(names), columns)
        assert np.array_equal(scores.memberships, plain.memberships)
        assert np.array_equal(scores.log_density, plain.log_density)


def test_all_of_them_at_once(database: duckdb.DuckDBPyConnection) -> None:
    values = values_of(len(NAMES))
    values[3, :] = np.nan
    plain_names = [f"f{number}" for number in range(len(NAMES))]
    plain = score(database, model_over(plain_names), dict(zip(plain_names, values.T, strict=True)))
    scores = score(database, model_over(NAMES), dict(zip(NAMES, values.T, strict=True)))
    assert np.array_equal(scores.memberships, plain.memberships)
    assert scores.missing_features == ["", "", "", ", ".join(NAMES)]


def test_every_keyword_of_this_duckdb(database: duckdb.DuckDBPyConnection) -> None:
    rows = database.execute("select distinct keyword_name from duckdb_keywords() order by all")
    keywords = [row[0] for row in rows.fetchall()]
    assert len(keywords) > 400
    values = values_of(len(keywords))
    for part in np.array_split(np.arange(len(keywords)), 8):
        names = [keywords[position] for position in part]
        columns = dict(zip(names, values[:, part].T, strict=True))
        model = one_segment_over(names)
        expected = model.log_joint(columns)[:, 0]
        assert np.allclose(score(database, model, columns).log_density, expected, rtol=1e-12)


def one_segment_over(names: list[str]) -> SegmentModel:
    means = np.arange(len(names)) / len(names)
    return SegmentModel(
        covariance_type="diag",
        features=tuple(Feature(feature=name) for name in names),
        components=(Component.from_covariance("s1", 1.0, means, np.diag(1 + means)),),
    )


@pytest.fixture
def alone() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of the test's own."""
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    "relation",
    [
        '"we""ird schema"."select * from ""x""; --"',
        '"схема"."it\'s"',
        '"Order"."group"',
        "main.measured",
        '"memberships"',
        '(select * replace (f + 0 as f) from "Order"."group" where true)',
    ],
)
def test_a_relation_may_have_any_name(alone: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Also the name of a step of the SQL; then with its schema, since a step may not read from itself."""
    table = '"Order"."group"' if relation.startswith("(") else relation
    if "." in table:
        schema = "main" if table.startswith("main") else table[: table.index('".') + 1]
        alone.execute(f"create schema if not exists {schema}")
    alone.execute(
        f"create table {table} as select 7 as customer_id, date '2026-07-01' as as_of_date, 0.5 as f"
    )
    scores = score_relation(alone, model_over(["f"]), relation)
    assert scores.customers == [7]
    expected = score(alone, model_over(["f"]), {"f": [0.5]})
    assert np.array_equal(scores.memberships, expected.memberships)


SEGMENT_NAMES = [
    "it's; drop table scores; --",
    'double"quote {{ jinja }}',
    "Łódź 😀",
    "null",
    "%s ? $1 /* */",
    "a" * 200,
]
SEGMENT_KEYS = ["select", "order", "end", "x_1", "total", "k" * 40]


@pytest.fixture
def scored(alone: duckdb.DuckDBPyConnection) -> tuple[duckdb.DuckDBPyConnection, SegmentModel]:
    """Two customers scored by segments of hostile names and keys, as tables `features` and `scores`."""
    components = tuple(
        Component.from_covariance(
            key, 1 / len(SEGMENT_KEYS), np.array([float(k), 0.0]), np.eye(2), name
        ).model_copy(update={"description": f"Says {name}\nand more \\"})
        for k, (key, name) in enumerate(zip(SEGMENT_KEYS, SEGMENT_NAMES, strict=True))
    )
    features = (Feature(feature="recency 'days'"), Feature(feature='net "spend"'))
    model = SegmentModel(covariance_type="full", features=features, components=components)
    alone.execute(
        """
        create table features as
        select 1 as customer_id, date '2026-07-01' as as_of_date, 0.1 as "recency 'days'", 0.1 as "net ""spend\"""
        union all
        select 2, date '2026-07-01', 5.2, null
        """
    )
    patterns = [[features[1].feature]]
    alone.execute(f"create table scores as {model.score_sql('features', patterns=patterns)}")
    return alone, model


def test_segment_names_come_back_as_they_were(
    scored: tuple[duckdb.DuckDBPyConnection, SegmentModel],
) -> None:
    database, model = scored
    tiers = {"dominant": 0.8, "hybrid": 0.3}
    assignment = render("seg_customer_assignment", model.to_macro(), "scores", tiers, "duckdb")
    rows = database.execute(
        "select segment_key, segment_name, runner_up_segment_key, runner_up_segment_name, missing_features "
        f"from ({assignment}) order by customer_id"
    ).fetchall()
    keys, names = SEGMENT_KEYS, SEGMENT_NAMES
    assert rows == [
        (keys[0], names[0], keys[1], names[1], ""),
        (keys[5], names[5], keys[4], names[4], 'net "spend"'),
    ]


def test_names_come_back_in_every_table(
    scored: tuple[duckdb.DuckDBPyConnection, SegmentModel],
) -> None:
    database, model = scored
    macro = model.to_macro()
    database.execute("create table assigned as select 'select' as segment_key")
    long = database.execute(render("seg_long_memberships", macro, "scores", "duckdb")).fetchall()
    assert sorted(row[3:5] for row in long) == sorted(
        [*zip(SEGMENT_KEYS, SEGMENT_NAMES, strict=True)] * 2
    )
    sizes = database.execute(
        render("seg_segment_sizes", macro, "scores", "assigned", None, "duckdb")
    )
    assert [row[1:4] for row in sizes.fetchall()] == [
        (segment.segment_key, segment.segment_name, segment.description)
        for segment in model.components
    ]
    measures = [{"feature": feature.feature, "shift": "0e0"} for feature in model.features]
    profiles = render("seg_profiles", macro, "features", "scores", measures, "duckdb")
    rows = database.execute(f"select distinct feature from ({profiles}) order by all").fetchall()
    assert [row[0] for row in rows] == sorted(model.feature_names)


def test_the_check_sees_a_name_that_is_not_quoted(database: duckdb.DuckDBPyConnection) -> None:
    """The fault planted: the SQL as it would be if names were written bare."""
    model = model_over(["with space"])
    bare = model.score_sql("customers").replace('"with space"', "with space")
    assert bare != model.score_sql("customers")
    score(database, model, {"with space": [0.5]})
    with pytest.raises(duckdb.ParserException):
        database.execute(bare)
