"""The command line: typer commands, and views that turn results into text."""
