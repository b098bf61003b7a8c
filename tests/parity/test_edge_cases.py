"""Customers and columns as warehouses have them: every type, nothing measured, far away, none at all."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from tests.parity.marginals import marginal_log_joint
from tests.parity.parity_assertions import (
    assert_as_exact_as_scikit_learn,
    assert_equal_scikit_learn,
)
from tests.parity.random_models import Case, mixture_of
from tests.scored import score, score_relation
from warehouse_seg.errors import UsageError
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.sklearn_mixture import from_sklearn

pytestmark = pytest.mark.both_duckdb

COMPLETE = {
    "recency_days": np.array([1.0, 30.0, 400.0]),
    "net_spend": np.array([250.0, -12.5, 80.25]),
    "share_wine": np.array([0.0, 0.25, 1.0]),
}


def three_segments() -> Case:
    """Three overlapping segments over three features, each with another transform."""
    covariances = np.array(
        [
            [[1.0, 0.3, 0.1], [0.3, 0.8, 0.2], [0.1, 0.2, 0.5]],
            [[0.5, -0.2, 0.0], [-0.2, 1.0, 0.1], [0.0, 0.1, 1.5]],
            [[0.9, 0.0, 0.4], [0.0, 0.6, 0.0], [0.4, 0.0, 0.7]],
        ]
    )
    means = np.array([[0.5, -0.25, 0.0], [-1.0, 0.75, 1.0], [1.25, -1.5, -0.5]])
    mixture = mixture_of("full", np.array([0.5, 0.3, 0.2]), means, covariances)
    features = (
        Feature(feature="recency_days", transform="log", clip_low=1, center=3.5, scale=1.2),
        Feature(feature="net_spend", transform="signed_log1p", center=4.0, scale=1.75),
        Feature(feature="share_wine", center=0.3, scale=0.25),
    )
    return Case(mixture, from_sklearn(mixture, features), COMPLETE)


CASE = three_segments()
MODEL = CASE.model


@pytest.fixture
def table(database: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database whose table `customer_features` goes away with the test."""
    yield database
    database.execute("drop table if exists customer_features")


def create(database: duckdb.DuckDBPyConnection, types: str, rows: list[str]) -> None:
    """The table customer_features with columns of these types: three, or one for all."""
    kinds = types.split("; ")
    kinds = kinds * 3 if len(kinds) == 1 else kinds
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(COMPLETE, kinds, strict=True))
    database.execute(
        f"create table customer_features (customer_id bigint, as_of_date date, {columns})"
    )
    for number, row in enumerate(rows):
        database.execute(
            f"insert into customer_features values ({number}, date '2026-07-01', {row})"
        )


def test_on_the_mean_of_every_segment(database: duckdb.DuckDBPyConnection) -> None:
    means = CASE.mixture.means_
    recency, spend, share = (f.center + f.scale * means[:, d] for d, f in enumerate(MODEL.features))
    columns = {
        "recency_days": np.exp(recency),
        "net_spend": np.sign(spend) * np.expm1(np.abs(spend)),
        "share_wine": share,
    }
    case = Case(CASE.mixture, MODEL, columns)
    scores = score(database, MODEL, columns)
    assert_equal_scikit_learn(scores, case)
    assert_as_exact_as_scikit_learn(scores, case)


@pytest.mark.parametrize(
    ("types", "rows"),
    [
        ("decimal(18, 4)", ["12.3456, -0.0001, 0.3333", "99999999999999.9999, -12.5, 1"]),
        ("decimal(38, 10)", ["12.3456789012, -7.1, 0.3", "1234567890123456789.5, 0.1, 0.2"]),
        ("decimal(4, 1)", ["12.3, -7.1, 0.3", "999.9, -999.9, 0"]),
        ("float", ["12.3456, -0.1, 0.3", "1e30, -16777217, 0.7"]),
        ("integer", ["12, -7, 1", "2147483647, -2147483648, 0"]),
        ("smallint", ["12, -7, 1", "32767, -32768, 0"]),
        ("bigint", ["12, -7, 1", "9223372036854775807, -9007199254740993, 0"]),
        ("ubigint", ["12, 7, 1", "18446744073709551615, 3, 0"]),
        ("hugeint", ["12, -7, 1", "170141183460469231731687303715884105727, -1000000, 0"]),
        ("bigint; decimal(18, 2); double", ["12, -7.25, 0.5", "0, 1e10, 0.1"]),
        ("integer; float; decimal(5, 4)", ["12, -7.25, 0.5", "0, 1e10, 0.1"]),
    ],
)
def test_every_numeric_type(table: duckdb.DuckDBPyConnection, types: str, rows: list[str]) -> None:
    """The same scores as for the nearest doubles (of a FLOAT: for the doubles that it is)."""
    create(table, types, rows)
    scores = score_relation(table, MODEL, "customer_features")
    names = ", ".join(COMPLETE)
    stored = table.execute(f"select {names} from customer_features order by customer_id").fetchall()
    doubles = np.array([[float(value) for value in row] for row in stored])
    columns = dict(zip(COMPLETE, doubles.T, strict=True))
    assert_equal_scikit_learn(scores, Case(CASE.mixture, MODEL, columns))
    assert scores.missing_features == [""] * len(rows)


UNMEASURED = ["null", "'nan'::double", "'inf'::double", "'-inf'::double", "1e101", "-1e101"]


@pytest.mark.parametrize("nothing", UNMEASURED)
@pytest.mark.parametrize("missing", [*COMPLETE, "recency_days, share_wine", ", ".join(COMPLETE)])
def test_what_is_not_measured_is_left_out_and_named(
    table: duckdb.DuckDBPyConnection, missing: str, nothing: str
) -> None:
    """As the mixture of the other features says, and the next customer is left alone."""
    names = missing.split(", ")
    unmeasured = [nothing if name in names else repr(float(COMPLETE[name][0])) for name in COMPLETE]
    complete = [repr(float(values[0])) for values in COMPLETE.values()]
    create(table, "double", [", ".join(row) for row in (unmeasured, complete)])
    scores = score_relation(table, MODEL, "customer_features")
    assert scores.missing_features == [missing, ""]
    columns = {
        name: np.array([np.nan if name in names else values[0], values[0]])
        for name, values in COMPLETE.items()
    }
    joint = marginal_log_joint(MODEL, columns)
    np.testing.assert_allclose(scores.memberships, softmax(joint, axis=1), rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores.log_density, logsumexp(joint, axis=1), rtol=0, atol=1e-12)


def test_nothing_measured_is_what_everybody_is(table: duckdb.DuckDBPyConnection) -> None:
    create(table, "double", ["null, null, null"])
    scores = score_relation(table, MODEL, "customer_features")
    np.testing.assert_allclose(scores.memberships[0], [0.5, 0.3, 0.2], rtol=1e-15)
    assert scores.log_density[0] == pytest.approx(0, abs=1e-15)


def test_a_pattern_that_was_not_named_has_no_scores_and_is_not_lost(
    table: duckdb.DuckDBPyConnection,
) -> None:
    """The partner: SQL that was written without looking at the customers does not guess."""
    create(table, "double", ["1, null, 0.5", "1, 2, 0.5"])
    rows = table.execute(MODEL.score_sql("customer_features")).fetchall()
    assert [(row[0], row[3] is None, row[-1]) for row in rows] == [
        (0, True, "net_spend"),
        (1, False, ""),
    ]


def test_null_of_every_type(table: duckdb.DuckDBPyConnection) -> None:
    create(table, "decimal(18, 4); hugeint; float", ["null, null, null"])
    scores = score_relation(table, MODEL, "customer_features")
    assert scores.missing_features == [", ".join(COMPLETE)]


def test_the_array_form_marginalises_alike(database: duckdb.DuckDBPyConnection) -> None:
    """The warehouse does for every customer what was done to those of the training."""
    columns = {name: values.copy() for name, values in COMPLETE.items()}
    columns["net_spend"][:] = np.nan, np.inf, -1e101
    scores = score(database, MODEL, columns)
    assert scores.missing_features == ["net_spend"] * 3
    joint = MODEL.log_joint(columns)
    np.testing.assert_allclose(joint, marginal_log_joint(MODEL, columns), rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores.memberships, softmax(joint, axis=1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("distance", [1e3, 1e6, 1e9, 1e50, 1e100])
def test_a_far_customer_has_finite_scores(
    database: duckdb.DuckDBPyConnection, distance: float
) -> None:
    far = np.array([distance, -distance, 0.0])
    columns = {"recency_days": np.abs(far), "net_spend": far, "share_wine": far}
    scores = score(database, MODEL, columns)
    assert np.all(np.isfinite(scores.memberships))
    assert np.all(scores.memberships >= 0)
    assert np.allclose(scores.memberships.sum(axis=1), 1, rtol=0, atol=1e-15)
    assert np.all(np.isfinite(scores.log_density))
    assert np.all(scores.log_density[:2] < scores.log_density[2])
    assert scores.missing_features == ["", "", ""]


def test_a_single_customer(database: duckdb.DuckDBPyConnection) -> None:
    columns = {name: values[:1] for name, values in COMPLETE.items()}
    scores = score(database, MODEL, columns)
    assert len(scores.customers) == 1
    assert_equal_scikit_learn(scores, Case(CASE.mixture, MODEL, columns))


def test_an_empty_table_gives_an_empty_result_of_the_same_shape(
    table: duckdb.DuckDBPyConnection,
) -> None:
    create(table, "double", [])
    result = table.execute(MODEL.score_sql("customer_features"))
    names = [column[0] for column in result.description]
    assert names == [
        "customer_id",
        "as_of_date",
        "model_version",
        "membership_s1",
        "membership_s2",
        "membership_s3",
        "log_density",
        "is_outlier",
        "missing_features",
    ]
    assert result.fetchall() == []


def test_one_segment_takes_everyone(database: duckdb.DuckDBPyConnection) -> None:
    mixture = mixture_of("full", np.array([1.0]), CASE.mixture.means_[:1], np.eye(3)[None])
    case = Case(mixture, from_sklearn(mixture, MODEL.features), COMPLETE)
    scores = score(database, case.model, COMPLETE)
    assert np.all(scores.memberships == 1)
    assert_equal_scikit_learn(scores, case)


def test_one_segment_over_one_feature(database: duckdb.DuckDBPyConnection) -> None:
    mixture = mixture_of("spherical", np.array([1.0]), np.array([[0.5]]), np.array([2.0]))
    columns = {"share_wine": COMPLETE["share_wine"]}
    case = Case(mixture, from_sklearn(mixture, MODEL.features[2:]), columns)
    assert_equal_scikit_learn(score(database, case.model, columns), case)


MANY = 20_000


@pytest.fixture(scope="module")
def many(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """More customers than one of DuckDB's row groups of work, one of them twice, some measured in nothing."""
    database.execute(
        f"""
        create table many_customers as
        select
            i % {MANY - 1} as customer_id,
            date '2026-07-01' as as_of_date,
            1 + i % 900 as recency_days,
            case when i % 7 > 0 then (i * 7919 % 100003 - 20000) / 10 end as net_spend,
            (i % 11) / 10 as share_wine
        from range({MANY}) as numbers(i)
        """
    )
    yield "many_customers"
    database.execute("drop table many_customers")


def test_every_row_once(database: duckdb.DuckDBPyConnection, many: str) -> None:
    scores = score_relation(database, MODEL, many)
    assert scores.customers == sorted([0, *range(MANY - 1)])
    assert scores.missing_features.count("net_spend") == len(range(0, MANY, 7))


def test_memberships_sum_to_one_and_none_is_zero(
    database: duckdb.DuckDBPyConnection, many: str
) -> None:
    memberships = score_relation(database, MODEL, many).memberships
    assert np.allclose(memberships.sum(axis=1), 1, rtol=0, atol=1e-15)
    assert np.all(memberships > 0)
    assert np.all(memberships <= 1)


@pytest.mark.parametrize(
    ("key_type", "key"),
    [
        ("BIGINT", "9223372036854775807"),
        ("VARCHAR", "'O''Brien \"7\"'"),
        ("UUID", "'6f2e7d2c-6c1b-4f0e-9d9c-1f1f0f8a5b11'"),
        ("DECIMAL(18,0)", "123456789012345678"),
        ("VARCHAR", "null"),
    ],
)
def test_keys_pass_through_as_they_are(
    database: duckdb.DuckDBPyConnection, key_type: str, key: str
) -> None:
    relation = (
        f"(select cast({key} as {key_type}) as customer_id, timestamp '2026-07-01' as as_of_date, "
        "1 as recency_days, 2 as net_spend, 0.5 as share_wine)"
    )
    scored = f"select customer_id, as_of_date from ({MODEL.score_sql(relation)})"
    types = [row[1] for row in database.execute(f"describe {scored}").fetchall()]
    assert types == [key_type, "TIMESTAMP"]
    kept = (
        f"select * from ({scored}) except select cast({key} as {key_type}), timestamp '2026-07-01'"
    )
    assert database.execute(kept).fetchall() == []


def test_scores_are_doubles(database: duckdb.DuckDBPyConnection, many: str) -> None:
    rows = database.execute(f"describe {MODEL.score_sql(many)}").fetchall()
    types = {row[0]: row[1] for row in rows}
    assert {types[name] for name in types if name.startswith("membership_")} == {"DOUBLE"}
    assert types["log_density"] == "DOUBLE"


def test_a_segment_model_knows_its_own_features(database: duckdb.DuckDBPyConnection) -> None:
    """The partner of all tests above: a column that is not there is an error, not a missing value."""
    columns = {name: values for name, values in COMPLETE.items() if name != "net_spend"}
    with pytest.raises(UsageError, match="net_spend"):
        score(database, MODEL, columns)
