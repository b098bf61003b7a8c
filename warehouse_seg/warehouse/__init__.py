"""A connection to each engine that a dbt profile may name: one module an engine, one protocol."""
