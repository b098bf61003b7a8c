"""The scoring statement of a model, and how long a statement an engine takes."""
