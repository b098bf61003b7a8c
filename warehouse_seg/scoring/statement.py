"""The scoring SQL of a model for any dialect, with a heading that says what it is."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.sql.dialects import DIALECTS


def compile_scores(
    model: SegmentModel, relation: str, dialect: str, patterns: Sequence[Sequence[str]] = ()
) -> str:
    """The select that dbt runs in `seg_customer_scores`, as a statement.

    relation: the features, as SQL text; patterns: the sets of missing features that occur in it
    Raises UsageError for an unknown dialect.
    """
    if dialect not in DIALECTS:
        raise UsageError(
            f"found dialect {dialect!r}{nearest(dialect, DIALECTS)}; known: {', '.join(DIALECTS)}"
        )
    heading = (
        f"-- Model version {model.model_version}, fingerprint {model.fingerprint}: {len(model.components)} segments, "
        f"{len(model.features)} features, {model.covariance_type} covariance. Dialect: {dialect}.\n"
    )
    return heading + model.score_sql(relation, dialect, patterns=patterns) + "\n"
