"""Rendering: the macros of the dbt package and the statements in sql/, without dbt."""
