"""The registry: its tables, rows and models, and what is active."""
