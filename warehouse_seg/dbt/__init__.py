"""dbt as a program: calls, artifacts, profile, and edits of the project's YAML."""
