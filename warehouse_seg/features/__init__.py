"""Features before a mixture is fitted: sampling, diagnostics, preparation, what is missing together."""
