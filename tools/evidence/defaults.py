"""What `fit --prefer fit` says of five real shops and of the demo: `python -m tools.evidence.defaults`.

No tuning for any of them: the default features, 2 to 10 segments, all covariance types, the default sample.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.evidence.shops import Shop, shops
from tools.evidence.tables import heading, recommended, show, table
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.selection import best_of_each_count, elbow
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.training import Candidate

COLUMNS = (
    "shop",
    "customers",
    "features",
    "recommended",
    "stability",
    "least segment overlap",
    "smallest eigenvalue",
    "smallest segment",
    "mean top membership",
    "BIC's, elbow's, ICL's K",
)


def row(shop: Shop, model: SegmentModel) -> tuple[object, ...]:
    """One line of the table."""
    chosen = next(candidate for candidate in model.candidates if candidate.status == "chosen")
    return (
        shop.name,
        f"{shop.sample.population_rows:,}",
        len(model.features),
        f"{chosen.n_components} {chosen.covariance_type}",
        _number(chosen.stability, 2),
        _number(chosen.smallest_jaccard, 2),
        _number(chosen.smallest_eigenvalue, 4),
        _number(chosen.smallest_weight, 3),
        _number(chosen.mean_top_membership, 3),
        _choices(model.candidates),
    )


def _choices(candidates: tuple[Candidate, ...]) -> str:
    return ", ".join(str(count) for count in discussed(candidates))


def discussed(candidates: tuple[Candidate, ...]) -> Iterator[int | str]:
    """What BIC, the elbow of its curve and ICL would choose."""
    best = best_of_each_count(candidates)
    bend = elbow(candidates)
    yield min(best, key=lambda candidate: candidate.bic or 0.0).n_components
    yield bend.n_components if bend else "–"
    yield min(best, key=lambda candidate: candidate.icl or 0.0).n_components


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def main() -> None:
    """Print the table, and under it what the fits found and recommended."""
    show(
        heading("Real shops, chosen by fit alone", "Seed 1; `--prefer fit`, else default settings.")
    )
    fitted = [(shop, fit_model(shop.sample, shop.choices, shop.settings)) for shop in shops()]
    show(table(COLUMNS, (row(shop, model) for shop, model in fitted)))
    for shop, model in fitted:
        show(f"**{shop.name}.** {recommended(model)}.\n")
        for finding in model.training.findings:
            show(f"- {finding}")
        show("")


if __name__ == "__main__":
    main()
