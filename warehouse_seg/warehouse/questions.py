"""Portable questions that Python asks of a relation, as Ibis expressions compiled to the engine's SQL.

Statements that dbt builds tables with are macros, since dbt has no Ibis; so is what Ibis has no portable expression for
(`sql/sample.sql`). Every function takes relations as selects and returns one query as text.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

COMPILERS = {"spark": "databricks", "redshift": "postgres"}
"""Ibis compiles these engines' SQL only through a relative (Spark's own compiler needs a running session)."""


def population(features: str, dialect: str = "duckdb", weight: str | None = None) -> str:
    """How many rows there are, how many customers they stand for, and as of which day.

    weight: the column that says how many customers a row stands for; None where each is one
    Result columns: population_rows, customers, as_of_date.
    """
    table = _table("features", as_of_date="date", **({} if weight is None else {weight: "float64"}))
    customers = table.count() if weight is None else table[weight].sum()
    counted = table.aggregate(
        population_rows=table.count(), customers=customers, as_of_date=table.as_of_date.max()
    )
    return _query(counted, {"features": features}, dialect)


def least_customer(features: str, dialect: str) -> str:
    """One customer's key as text, NULL where there is nobody: column customer_id."""
    table = _table("features", customer_id="int64")
    # As text, since Postgres has no least UUID.
    least = table.aggregate(customer_id=table.customer_id.cast("string").min())
    return _query(least, {"features": features}, dialect)


def key_grain(features: str, dialect: str) -> str:
    """How many rows the features have for how many keys: number_of_rows, customers, null_keys."""
    table = _table("features", customer_id="int64")
    counted = table.aggregate(
        number_of_rows=table.count(),
        customers=table.customer_id.nunique(),
        null_keys=table.customer_id.isnull().cast("int64").sum(),
    )
    return _query(counted, {"features": features}, dialect)


def attribute_shape(relation: str, column: str, dialect: str) -> str:
    """Whether a column can be compared with segments.

    Result columns: repeated, the rows beyond one per customer; number_of_values.
    """
    table = _table("attributes", **{"customer_id": "int64", column: "string"})
    shape = table.aggregate(
        repeated=table.count() - table.customer_id.nunique(),
        number_of_values=table[column].nunique(),
    )
    return _query(shape, {"attributes": relation}, dialect)


def history_span(rfm: str, dialect: str) -> str:
    """Up to which day the order history goes (as_of_date), and how many days before that it begins (tenure_days)."""
    table = _table("rfm", as_of_date="date", tenure_days="int64")
    span = table.aggregate(as_of_date=table.as_of_date.max(), tenure_days=table.tenure_days.max())
    return _query(span, {"rfm": rfm}, dialect)


def segment_summary(segments: str, customer_segments: str, dialect: str) -> str:
    """The segments as the summary of a run shows them, the largest first.

    Result columns: those of seg_segments that a summary has, the share of the customers, and the mean membership.
    """
    table = _table(
        "segments",
        model_version="int64",
        segment_key="string",
        segment_name="string",
        description="string",
        weight="float64",
        customers="int64",
        expected_customers="float64",
    )
    members = _table("customer_segments", segment_key="string", membership="float64")
    means = members.group_by(members.segment_key.name("member_key")).aggregate(
        mean_membership=members.membership.mean()
    )
    total = table.customers.sum().over().cast("float64").nullif(0.0)
    shares = table.mutate(share=table.customers.cast("float64") / total)
    joined = shares.left_join(means, shares.segment_key == means.member_key)
    joined = joined.select(*shares.columns, "mean_membership")
    ordered = joined.order_by([joined.customers.desc(), joined.segment_key.asc()])
    relations = {"segments": segments, "customer_segments": customer_segments}
    return _query(ordered, relations, dialect)


def tier_counts(customer_segments: str, dialect: str) -> str:
    """How many customers each action tier has, the largest first: action_tier, as_of_date, customers."""
    table = _table("customer_segments", action_tier="string", as_of_date="date")
    counts = table.group_by("action_tier").aggregate(
        as_of_date=table.as_of_date.max(), customers=table.count()
    )
    ordered = counts.order_by([counts.customers.desc(), counts.action_tier.asc()])
    return _query(ordered, {"customer_segments": customer_segments}, dialect)


def profiled_segments(segments: str, dialect: str) -> str:
    """The segments as a profile shows them, the largest first."""
    table = _table(
        "segments",
        model_version="int64",
        segment_key="string",
        segment_name="string",
        description="string",
        customers="int64",
        customer_share="float64",
        expected_customers="float64",
        expected_share="float64",
        revenue="float64",
        revenue_share="float64",
        revenue_per_customer="float64",
    )
    ordered = table.order_by([table.customers.desc(), table.segment_key.asc()])
    return _query(ordered, {"segments": _only(table, segments)}, dialect)


def profiled_measures(profiles: str, dialect: str) -> str:
    """What sets each segment apart, the most distinctive measure first."""
    table = _table(
        "profiles",
        segment_key="string",
        feature="string",
        mean="float64",
        population_mean="float64",
        index_vs_population="float64",
        z_score="float64",
        distinctiveness_rank="int64",
    )
    ordered = table.order_by([table.segment_key.asc(), table.distinctiveness_rank.asc()])
    return _query(ordered, {"profiles": _only(table, profiles)}, dialect)


def _table(name: str, **types: str) -> ir.Table:
    """Columns of a relation. Their types matter only where an expression casts them."""
    return ibis.table(types, name=name)


def _only(table: ir.Table, relation: str) -> str:
    """The relation with the table's columns alone: Ibis takes `*` for all that it was told of."""
    return f"select {', '.join(table.columns)} from ({relation}) as relation"


def _query(expression: ir.Table, relations: Mapping[str, str], dialect: str) -> str:
    """The expression over relations that are given as selects."""
    compiled = ibis.to_sql(expression, dialect=COMPILERS.get(dialect, dialect))
    named = ",\n".join(f"{name} as (\n{select}\n)" for name, select in relations.items())
    text = str(compiled)
    if text.lstrip()[:4].upper() == "WITH":
        return f"with {named},\n{text.lstrip()[4:].lstrip()}"
    return f"with {named}\n{text}"
