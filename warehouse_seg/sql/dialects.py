"""The dialects that scoring SQL is written in, as dbt names the engines."""

from __future__ import annotations

DIALECTS = (
    "duckdb",
    "postgres",
    "spark",
    "databricks",
    "snowflake",
    "bigquery",
    "redshift",
    "trino",
)
