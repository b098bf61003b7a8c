"""All of the evidence, as docs/proof/evidence.md shows it: `make evidence`."""

from __future__ import annotations

from tools.evidence import (
    comparisons,
    defaults,
    forecasts,
    optima,
    population,
    recovery,
    recovery_in_time,
    refits,
    study,
    treatments,
)
from tools.evidence.tables import show, tell

INTRODUCTION = """# Evidence

Made by `make evidence`, which takes an hour on two cores: nothing here was typed. What the words mean
stands in [selection.md](../explanation/selection.md), [model.md](../explanation/model.md),
[validation.md](../guides/validation.md) and [study.md](study.md).
"""

if __name__ == "__main__":
    show(INTRODUCTION)
    for part in (
        forecasts,
        recovery,
        recovery_in_time,
        treatments,
        optima,
        defaults,
        population,
        refits,
        comparisons,
        study,
    ):
        tell(f"{part.__name__} …")
        part.main()
