"""Where something simpler does as well, on every shop: `python -m tools.evidence.comparisons`.

Each shop is fitted with default settings as `warehouse-seg fit` does it, and asked as `warehouse-seg compare` and
`validate` ask: what labels, memberships, RFM quintiles and the features themselves predict of the next 90 days' spend.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from tools.evidence.shops import places
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.commands.compare import compare
from warehouse_seg.commands.fit import fit
from warehouse_seg.commands.validate import validate
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.project.time_split import Unavailable

COLUMNS = (
    "shop",
    "segments",
    "mixture, from labels",
    "from memberships",
    "k-means labels",
    "RFM quintiles",
    "the features themselves",
    "agreement with earlier days",
    "as good from labels",
)


def row(title: str, project: DbtProject) -> tuple[str, ...]:
    """One line of the table: R² of ln(1 + spend / median order value) in unseen time."""
    # What --vars says of `model` replaces what the test projects say: everything is at its default.
    project = replace(project, vars={**project.vars, "model": {"seed": 1}})
    model = fit(project)
    comparison, figures = compare(project).comparison, validate(project).figures
    mixture = comparison.methods[0]
    power = figures.predictive_power
    by_source = (
        {}
        if isinstance(power, Unavailable)
        else {prediction.source: prediction.spend_r2 for prediction in power.predictions}
    )
    windows = [w.agreement for w in figures.windows if w.agreement is not None]
    return (
        title,
        str(len(model.components)),
        _number(mixture.from_labels.spend_r2 if mixture.from_labels else None),
        *(
            _number(by_source.get(name))
            for name in ("memberships", "k-means labels", "RFM quintiles")
        ),
        _number(by_source.get("the features themselves")),
        _number(sum(windows) / len(windows) if windows else None),
        ", ".join(result.method for result in comparison.methods if result.as_good_as_mixture)
        or "–",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def main() -> None:
    """Print the table."""
    show(heading("Where something simpler does as well", "Seed 1."))
    rows = []
    for title, build in places():
        with tempfile.TemporaryDirectory() as folder:
            rows.append(row(title, build(Path(folder))))
        tell(rows[-1])
    show(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
