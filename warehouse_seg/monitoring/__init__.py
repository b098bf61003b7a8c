"""History, movements, alerts, drift: what happens to segments over time."""
