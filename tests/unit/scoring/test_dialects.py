"""The SQL of all eight dialects: it parses as that dialect, names and texts survive in it, and it means the same.

Seven of the engines are not here. sqlglot reads each dialect as that engine would and writes what it understood as
DuckDB's SQL; that is executed and compared, so that a text which only looks right cannot pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pytest
import sqlglot
from sqlglot import exp

from tools.generate_sql import reference_model, statements
from warehouse_seg.errors import UsageError
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.scoring.statement import compile_scores
from warehouse_seg.sql.dialects import DIALECTS
from warehouse_seg.sql.rendering import render

STATEMENTS = {dialect: statements(dialect) for dialect in DIALECTS}
FILES = sorted(STATEMENTS["duckdb"])
OF_ORDER_LINES = {"stg_seg__transactions.sql", "seg_order_line_checks.sql"}
"""They ask an engine for the type of a column by a function of its own: tests/engines runs them."""

TEXTS = [
    "it's",
    "''",
    "back\\slash",
    "ends with one\\",
    "\\'; drop table customers; --",
    'double"quote',
    "back`tick",
    "Łódź 😀",
    "-- comment /* */",
    "{{ jinja }} {% %}",
    "$1 ? %s :name",
    "line\nbreak\r",
    "",
]
NAMES = [text for text in TEXTS if text and "\\" not in text and "\n" not in text]
KEYWORDS = ["select", "order", "user", "offset", "pivot_longer", "json_value", "try_cast"]


def parsed(text: str, dialect: str) -> exp.Select | exp.Union:
    tree = sqlglot.parse_one(text, dialect=dialect)
    assert isinstance(tree, exp.Select | exp.Union)
    return tree


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """What the reference model scores, and its scores, as tables of the names that the statements read."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table seg_customer_features as
            select
                i as customer_id,
                date '2026-07-01' as as_of_date,
                1 + i * 37 % 300 as recency_days,
                400 + i as tenure_days,
                1 + i % 7 as order_count,
                case when i % 5 > 0 then i * i % 101 * 1.5 end as spend_wine,
                i * 2.25 - 5 as net_spend
            from range(60) as numbers(i)
            """
        )
        connection.execute(
            """
            create table order_lines as
            select
                i % 9 as customer_id,
                i // 2 as order_id,
                timestamp '2026-01-01' + to_days(cast(i * 7 % 90 as integer)) as ordered_at,
                cast(nullif(i, 5) * 1.25 - 3 as decimal(18, 4)) as amount,
                case when i % 5 > 0 then 'category ' || i % 3 end as category
            from range(80) as numbers(i)
            """
        )
        for table in (
            "stg_seg__transactions",
            "seg_order_line_checks",
            "seg_customer_category_spend",
            "seg_customer_rfm",
            "seg_customer_scores",
            "seg_customer_segments",
        ):
            connection.execute(f"create table {table} as {STATEMENTS['duckdb'][f'{table}.sql']}")
        make_history(connection)
        yield connection


def make_history(connection: duckdb.DuckDBPyConnection) -> None:
    """Two dates of memberships, which some customers swap in between, and five of segments."""
    scored = f"({STATEMENTS['duckdb']['seg_membership_history.sql']})"
    connection.execute(
        f"""
        create table seg_membership_history as
        select * replace (date '2026-06-01' as as_of_date) from {scored} where customer_id > 3
        union all
        select * replace (
            date '2026-05-01' as as_of_date,
            case when customer_id % 3 = 0 then membership_s2 else membership_s1 end as membership_s1,
            case when customer_id % 3 = 0 then membership_s1 else membership_s2 end as membership_s2
        ) from {scored} where customer_id < 50
        """
    )
    connection.execute(
        """
        create table seg_segment_history as
        select
            customer_id,
            cast(date '2026-02-01' + to_months(cast(month as integer)) as date) as as_of_date,
            case when (customer_id + month) % (2 + customer_id % 2) = 0 then 's1' else 's2' end as segment_key
        from range(20) as customers(customer_id) cross join range(5) as months(month)
        """
    )
    connection.execute(
        f"create table seg_segment_transitions as {STATEMENTS['duckdb']['seg_segment_transitions.sql']}"
    )


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_means_the_same(
    shop: duckdb.DuckDBPyConnection, dialect: str, file: str
) -> None:
    understood = parsed(STATEMENTS[dialect][file], dialect).sql(dialect="duckdb")
    if file in OF_ORDER_LINES and dialect != "duckdb":
        return
    expected = shop.execute(STATEMENTS["duckdb"][file]).fetchall()
    actual = shop.execute(understood).fetchall()
    if file == "population_sums.sql":
        # One row of sums, whose last digits depend on the order in which products are added.
        assert actual[0] == pytest.approx(expected[0], rel=1e-12)
        return
    assert len(expected) > 1
    assert sorted(map(comparable, actual)) == sorted(map(comparable, expected))


def comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """NULL compares with nothing, a sum's last digit depends on the order of its terms, some timestamps have a zone."""
    return tuple((value is not None, plain(value)) for value in row)


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 12)
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value or 0


def weighted_statements(dialect: str) -> dict[str, str]:
    """The statements in which a row stands for several customers, of a model that warns."""
    model, features = reference_model().to_macro(), "seg_customer_features"
    scores, customer_segments = "seg_customer_scores", "seg_customer_segments"
    revenue = {"relation": features, "expression": "net_spend"}
    weights = {"relation": features, "column": "order_count"}
    measures = [{"feature": name, "shift": "0e0"} for name in ("recency_days", "spend_wine")]
    return {
        "segments": render(
            "seg_segment_sizes",
            *(model, scores, customer_segments, revenue, dialect, "it's unstable", weights),
        ),
        "profiles": render(
            "seg_profiles", model, features, scores, measures, dialect, "order_count"
        ),
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_statements_with_weights_mean_the_same(
    shop: duckdb.DuckDBPyConnection, dialect: str
) -> None:
    expected = weighted_statements("duckdb")
    for name, text in weighted_statements(dialect).items():
        actual = shop.execute(parsed(text, dialect).sql(dialect="duckdb")).fetchall()
        assert sorted(actual) == sorted(shop.execute(expected[name]).fetchall())
        assert len(actual) > 1


def steps_with_a_column_of_their_name(text: str, dialect: str) -> list[str]:
    """A reader, and some engines, take `total` in a later step for either of the two."""
    steps = {cte.alias for cte in parsed(text, dialect).find_all(exp.CTE)}
    columns = {select.alias_or_name for select in parsed(text, dialect).find_all(exp.Alias)}
    return sorted(steps & columns)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_step_has_a_column_of_its_name(dialect: str) -> None:
    for name, text in (STATEMENTS[dialect] | weighted_statements(dialect)).items():
        assert (name, steps_with_a_column_of_their_name(text, dialect)) == (name, [])


def test_a_step_with_a_column_of_its_name_is_seen() -> None:
    text = "with total as (select a + 1 as total from t) select total from total"
    assert steps_with_a_column_of_their_name(text, "duckdb") == ["total"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_number_of_a_model_has_an_exponent(dialect: str) -> None:
    """One without would be a DECIMAL; only the model's version is a whole number, and a step's `offset 0`."""
    text = compile_scores(reference_model(), "t", dialect)
    numbers = [
        literal.this
        for literal in parsed(text, dialect).find_all(exp.Literal)
        if not literal.is_string and not literal.find_ancestor(exp.Offset)
    ]
    assert len(numbers) > 40
    assert {number for number in numbers if "e" not in number.lower()} <= {"1", "3"}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_literal_reads_back_as_its_text(dialect: str, text: str) -> None:
    query = f"select {render('seg_literal', text, dialect)} as a"
    literal = parsed(query, dialect).selects[0].this
    assert literal.is_string
    assert literal.this == text


@pytest.mark.both_duckdb
@pytest.mark.parametrize("text", TEXTS)
def test_a_literal_reads_back_from_duckdb(database: duckdb.DuckDBPyConnection, text: str) -> None:
    query = f"select {render('seg_literal', text, 'duckdb')}"
    assert database.execute(query).fetchall() == [(text,)]


@pytest.mark.parametrize("name", [*NAMES, *KEYWORDS, "plain", "net_spend", "MixedCase"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_identifier_reads_back_as_its_name(dialect: str, name: str) -> None:
    query = f"select {render('seg_identifier', name, dialect)} from t"
    column = parsed(query, dialect).selects[0]
    assert isinstance(column, exp.Column)
    is_stored_in_upper_case = dialect == "snowflake" and re.fullmatch("[a-z_]+", name)
    assert column.name in ({name, name.upper()} if is_stored_in_upper_case else {name})
    assert column.this.args["quoted"] or re.fullmatch("[a-z]+_[a-z_]+", name)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_model_of_hostile_names_parses(dialect: str) -> None:
    size = len(NAMES)
    model = SegmentModel(
        covariance_type="diag",
        features=tuple(Feature(feature=name) for name in NAMES),
        components=(Component.from_covariance("select", 1.0, np.zeros(size), np.eye(size)),),
    )
    tree = parsed(compile_scores(model, "t", dialect), dialect)
    measured = tree.ctes[0].this
    read = [column.name for column in measured.find_all(exp.Column)]
    # Twice: whether it is a measure, and the measure.
    assert sorted(read) == sorted(["customer_id", "as_of_date", *NAMES, *NAMES])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_segment_asks_for_the_greatest_of_nothing(dialect: str) -> None:
    """Spark's greatest() refuses a single argument."""
    model = SegmentModel(
        covariance_type="full",
        features=(Feature(feature="a"),),
        components=(Component.from_covariance("s1", 1.0, np.zeros(1), np.eye(1)),),
    )
    tiers = {"dominant": 0.8, "hybrid": 0.3}
    texts = [
        compile_scores(model, "t", dialect),
        render("seg_customer_assignment", model.to_macro(), "t", tiers, dialect),
    ]
    for text in texts:
        for greatest in parsed(text, dialect).find_all(exp.Greatest):
            assert greatest.expressions


@pytest.mark.parametrize(
    ("dialect", "double", "text"),
    [
        ("duckdb", "double", "varchar"),
        ("postgres", "double precision", "varchar"),
        ("redshift", "double precision", "varchar"),
        ("spark", "double", "string"),
        ("databricks", "double", "string"),
        ("bigquery", "float64", "string"),
        ("snowflake", "double", "varchar"),
        ("trino", "double", "varchar"),
    ],
)
def test_types_have_the_engines_own_names(dialect: str, double: str, text: str) -> None:
    assert render("seg_double", dialect) == double
    assert render("seg_text", dialect) == text


def test_the_heading_says_which_model_it_is() -> None:
    model = reference_model()
    heading = compile_scores(model, "t", "trino").splitlines()[0]
    assert heading == (
        f"-- Model version 1, fingerprint {model.fingerprint}: 2 segments, 3 features, full covariance. "
        "Dialect: trino."
    )


def test_an_unknown_dialect_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="found dialect 'postgresql'; did you mean 'postgres'"):
        compile_scores(reference_model(), "t", "postgresql")


def test_the_check_sees_another_meaning(shop: duckdb.DuckDBPyConnection) -> None:
    """The fault planted: one sign changed in one dialect's text."""
    text = STATEMENTS["trino"]["seg_customer_scores.sql"].replace("- maximum", "+ maximum", 1)
    understood = parsed(text, "trino").sql(dialect="duckdb")
    expected = shop.execute(STATEMENTS["duckdb"]["seg_customer_scores.sql"]).fetchall()
    assert sorted(shop.execute(understood).fetchall()) != sorted(expected)


# --------------------------------------------------------------------------------------- what engines do not take


@dataclass(frozen=True)
class Limits:
    """What an engine documents: columns of a table, characters of a name. None where it documents no limit."""

    columns: int | None
    name: int | None


LIMITS = {
    "duckdb": Limits(None, None),
    "postgres": Limits(1600, 63),
    "redshift": Limits(1600, 127),
    "bigquery": Limits(10_000, 300),
    "snowflake": Limits(None, 255),
    "spark": Limits(None, 767),  # of its metastore
    "databricks": Limits(None, 255),
    "trino": Limits(None, None),
}

DEEPEST = 1000
"""DuckDB's parser stops there by default; the others document nothing, or more."""

LONGEST_NAME = "spend_" + "m" * 40
"""Of the columns that the package makes itself: `seg_category_columns` cuts what is longer."""


def wide_statements(dialect: str, segments: int, features: int) -> dict[str, str]:
    """Scores, assignment and profiles of a model of this size, with the longest names that the package gives."""
    names = [f"{LONGEST_NAME[:-3]}_{number:02}" for number in range(features)]
    identity_like = np.eye(features) * 0.5 + 0.5
    model = SegmentModel(
        covariance_type="full",
        features=tuple(Feature(feature=name, transform="log1p", clip_low=0) for name in names),
        components=tuple(
            Component.from_covariance(
                "s" + "k" * 37 + f"{k:02}", 1 / segments, np.zeros(features), identity_like
            )
            for k in range(segments)
        ),
    )
    measures = [{"feature": name, "shift": "0.0e0"} for name in names]
    macro_model, tiers = model.to_macro(), {"dominant": 0.8, "hybrid": 0.3}
    return {
        "scores": compile_scores(model, "features", dialect),
        "segments": render("seg_customer_assignment", macro_model, "scores", tiers, dialect),
        "profiles": render("seg_profiles", macro_model, "features", "scores", measures, dialect),
    }


def depths(tree: exp.Expression) -> dict[int, int]:
    """How deep each node lies; the walk comes to a parent before its children."""
    actual: dict[int, int] = {}
    for node in tree.walk():
        actual[id(node)] = actual.get(id(node.parent), 0) + 1
    return actual


def beyond_limits(text: str, dialect: str) -> list[str]:
    """What an engine would refuse of a statement."""
    limits, tree = LIMITS[dialect], parsed(text, dialect)
    actual = []
    widest = max(len(select.selects) for select in tree.find_all(exp.Select))
    if limits.columns is not None and widest > limits.columns:
        actual.append(f"{widest} columns, at most {limits.columns}")
    names = {name.this for name in tree.find_all(exp.Identifier)}
    longest = max(names, key=len)
    if limits.name is not None and len(longest) > limits.name:
        actual.append(f"the name {longest}, at most {limits.name} characters")
    deepest = max(depths(tree).values())
    if deepest > DEEPEST:
        actual.append(f"{deepest} levels, at most {DEEPEST}")
    return actual


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_large_model_is_within_every_engines_limits(dialect: str) -> None:
    """Ten segments is the most that `fit` tries by default; 24 features are those of a shop with eight categories."""
    for name, text in wide_statements(dialect, 10, 24).items():
        assert (name, beyond_limits(text, dialect)) == (name, [])


@pytest.mark.parametrize("dialect", ["postgres", "redshift"])
def test_too_many_columns_are_seen(dialect: str) -> None:
    columns = ", ".join(f"a as a_{number}" for number in range(1601))
    assert beyond_limits(f"select {columns} from t", dialect) == ["1601 columns, at most 1600"]


def test_a_name_that_is_too_long_is_seen() -> None:
    assert beyond_limits(f"select a as {'b' * 64} from t", "postgres") == [
        f"the name {'b' * 64}, at most 63 characters"
    ]
    assert beyond_limits(f"select a as {'b' * 64} from t", "snowflake") == []


def test_an_expression_that_is_too_deep_is_seen() -> None:
    (actual,) = beyond_limits("select " + " + ".join(["a"] * 1100) + " as b from t", "trino")
    assert actual.endswith("levels, at most 1000")
