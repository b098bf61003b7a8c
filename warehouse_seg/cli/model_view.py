"""How candidates and stored models are laid out for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from warehouse_seg.cli.numbers import NOTHING, decimal, percent, rounded
from warehouse_seg.model.segment_model import SegmentModel

if TYPE_CHECKING:
    from warehouse_seg.commands.models import StoredModels


def candidate_table(model: SegmentModel) -> Table:
    """One row per candidate, the chosen one in bold."""
    table = Table(
        "features",
        "segments",
        "covariance",
        "BIC",
        "ICL",
        "smallest",
        "certainty",
        "stability",
        "spend R²",
        "buying AUC",
        "status",
        "reason",
    )
    for candidate in model.candidates:
        table.add_row(
            candidate.feature_set,
            str(candidate.n_components),
            candidate.covariance_type,
            rounded(candidate.bic),
            rounded(candidate.icl),
            percent(candidate.smallest_weight),
            percent(candidate.mean_top_membership),
            decimal(candidate.stability),
            decimal(candidate.spend_r2, 3),
            decimal(candidate.buying_auc, 3),
            candidate.status,
            candidate.reason,
            style="bold" if candidate.status == "chosen" else "",
        )
    return table


def model_table(stored: StoredModels) -> Table:
    """One row per stored version, the newest first."""
    table = Table(
        "",
        "version",
        "created (UTC)",
        "segments",
        "covariance",
        "BIC",
        "customers",
        "warnings",
        "notes",
    )
    for row in stored.models:
        warnings = stored.warnings[row["model_version"]]
        table.add_row(
            "active" if row["model_version"] == stored.active else "",
            str(row["model_version"]),
            f"{row['created_at']:%Y-%m-%d %H:%M}" if row["created_at"] else NOTHING,
            str(row["n_components"]),
            row["covariance_type"],
            rounded(row["bic"]),
            rounded(row["population_rows"]),
            f"[yellow]{len(warnings)}[/]" if warnings else "",
            escape(row["notes"] or ""),
        )
    return table
