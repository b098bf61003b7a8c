"""Segments: their names, their identity over refits, explanations and recommendations."""
