"""Writes `sql/generated/<dialect>/`: the SQL of a small reference model, the first thing a visitor should open.

`make generated` runs it; a test compares what it would write with what is committed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from warehouse_seg.features.sampling import sample_sql
from warehouse_seg.mixture.parameters import natural_parameters, parameters_of
from warehouse_seg.mixture.population_em import sums_sql
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.resources import sql_path
from warehouse_seg.scoring.statement import compile_scores
from warehouse_seg.sql.dialects import DIALECTS
from warehouse_seg.sql.rendering import render


def reference_model() -> SegmentModel:
    """Two segments over three features, with numbers that a reader can check by head."""
    features = (
        Feature(
            feature="recency_days",
            transform="log",
            clip_low=1,
            median=90,
            center=4.5,
            scale=1.25,
            resolution=1,
        ),
        Feature(
            feature="order_count", transform="log", clip_low=1, median=1, center=0.5, scale=0.75
        ),
        Feature(feature="spend_wine", transform="log1p", clip_low=0, median=0, center=2, scale=2),
    )
    regular = Component.from_covariance(
        "s1",
        0.625,
        np.array([-0.75, 0.5, 0.5]),
        np.array([[0.25, 0.125, 0.0], [0.125, 1.0, 0.25], [0.0, 0.25, 1.0]]),
        "Regulars",
    )
    once = Component.from_covariance(
        "s2",
        0.375,
        np.array([1.25, -0.75, -0.875]),
        np.diag([0.25, 0.0625, 0.5]),
        "Bought once, long ago",
    )
    return SegmentModel(
        covariance_type="full",
        features=features,
        components=(regular, once),
        outlier_log_density=-12.5,
    )


def statements(dialect: str) -> dict[str, str]:
    """File name → SQL text for one dialect."""
    model = reference_model()
    macro_model = model.to_macro()
    everything = np.ones(len(model.features), dtype=bool)
    coefficients = natural_parameters(parameters_of(model), everything)
    scores, features = "seg_customer_scores", "seg_customer_features"
    lines, category_spend = "stg_seg__transactions", "seg_customer_category_spend"
    tiers = {"dominant": 0.8, "hybrid": 0.3}
    revenue = {"relation": features, "expression": "net_spend"}
    measures = [{"feature": f.feature, "shift": f.to_macro()["median"]} for f in model.features]
    columns = {
        name: name for name in ("customer_id", "order_id", "ordered_at", "amount", "category")
    }
    types = {"ordered_at": "timestamp", "amount": "decimal(18, 4)"}
    return {
        "stg_seg__transactions.sql": render(
            "seg_order_lines", "order_lines", columns, types["amount"], 4, "UTC", dialect
        ),
        "seg_order_line_checks.sql": render(
            "seg_order_line_findings",
            "order_lines",
            columns,
            types,
            4,
            "error",
            "UTC",
            None,
            dialect,
        ),
        "seg_customer_rfm.sql": render(
            "seg_customer_history", lines, None, category_spend, dialect
        ),
        "seg_customer_category_spend.sql": render("seg_history_by_category", lines, None, dialect),
        "seg_customer_scores.sql": compile_scores(model, features, dialect),
        "seg_customer_scores_missing_features.sql": compile_scores(
            model, features, dialect, patterns=[["spend_wine"]]
        ),
        "population_sums.sql": sums_sql(
            model, coefficients, [], f"select * from {features}", None, dialect
        ),
        "seg_customer_segments.sql": render(
            "seg_customer_assignment", macro_model, scores, tiers, dialect
        ),
        "seg_customer_memberships.sql": render(
            "seg_long_memberships", macro_model, scores, dialect
        ),
        "seg_customer_reasons.sql": render(
            "seg_customer_reasons", macro_model, features, "seg_customer_segments", dialect
        ),
        "seg_segments.sql": render(
            "seg_segment_sizes", macro_model, scores, "seg_customer_segments", revenue, dialect
        ),
        "seg_segment_profiles.sql": render(
            "seg_profiles", macro_model, features, scores, measures, dialect
        ),
        "sample.sql": sample_sql(
            f"select * from {features}", model.column_names, 20_000, 1, dialect
        ),
        **history_statements(macro_model, tiers, dialect),
    }


def history_statements(
    model: dict[str, Any], tiers: dict[str, float], dialect: str
) -> dict[str, str]:
    """File name → SQL text of what the room monitoring builds."""
    before, after = "2026-05-01", "2026-06-01"
    scored_at = "2026-06-01 04:00:00"
    names = {part["segment_key"]: part["segment_name"] for part in model["components"]}
    memberships, segments = "seg_membership_history", "seg_segment_history"
    step = {
        "date": after,
        "previous_date": before,
        "cause": "customers",
        "before": {"date": before, "basis": "known", "model": model},
        "after": {"date": after, "basis": "known", "model": model},
    }
    calls: dict[str, tuple[Any, ...]] = {
        memberships: (
            "seg_membership_rows",
            model["components"],
            "seg_customer_scores",
            list(names),
            {after: 123_456},
            scored_at,
            "known",
        ),
        segments: ("seg_history_assignment", model, memberships, [after], tiers),
        "seg_segment_transitions": ("seg_flow_rows", step, memberships, names),
        "seg_customer_movements": ("seg_movement_rows", step, memberships),
        "seg_segment_paths": ("seg_path_rows", segments, after, scored_at, names),
        "seg_segment_durations": ("seg_duration_rows", "seg_segment_transitions"),
        "seg_customer_next_segments": (
            "seg_next_changes",
            model,
            "seg_customer_features",
            "seg_customer_segments",
            tiers,
            90,
        ),
    }
    return {f"{table}.sql": render(*call, dialect) for table, call in calls.items()}


def write(folder: Path) -> None:
    """Write every statement of every dialect below `folder`."""
    for dialect in DIALECTS:
        (folder / dialect).mkdir(parents=True, exist_ok=True)
        for name, text in statements(dialect).items():
            (folder / dialect / name).write_text(text.rstrip() + "\n", encoding="utf-8")
    (folder / "model.json").write_text(reference_model().to_json() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(sql_path() / "generated")
