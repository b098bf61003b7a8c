"""The mixture: EM, search, criteria, stability, selection, fits and refits."""
