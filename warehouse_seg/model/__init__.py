"""The frozen segment model: validated when made, JSON both ways."""
