"""What holds of a model: validation, comparison with simpler methods, what it tells about later time."""
