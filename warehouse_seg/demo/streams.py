"""Random numbers, one stream for each purpose.

A shop is drawn in steps. Each step reads a stream of its own, named by its purpose, so that a change
in one step leaves the numbers of every other step as they were.
"""

from __future__ import annotations

import numpy as np


def random_stream(seed: int, purpose: str) -> np.random.Generator:
    """The same numbers for the same seed and purpose, whatever was drawn elsewhere before."""
    return np.random.default_rng([seed, *purpose.encode()])
