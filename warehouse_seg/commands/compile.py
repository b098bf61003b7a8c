"""The scoring SQL of a stored model, with a branch for every set of features that the project's customers lack."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import features_query
from warehouse_seg.scoring.statement import compile_scores


@dataclass(frozen=True)
class Compiled:
    """A model, and the statement that scores with it on an engine of this dialect."""

    model: SegmentModel
    dialect: str
    text: str


def compiled(
    project: DbtProject,
    version: int | None,
    relation: str,
    dialect: str | None,
    model: SegmentModel | None = None,
) -> Compiled:
    """The statement for a given model, a stored version or the active one.

    relation: the features, as SQL text; dialect: None for that of the project's target
    model: from a file; it needs no project around it, and nobody knows then what its customers lack
    Raises UsageError for an unknown dialect and where there is no such version.
    """
    if model is not None:
        target_dialect = dialect or "duckdb"
        return Compiled(model, target_dialect, compile_scores(model, relation, target_dialect))
    session = Session.for_reading(project)
    target_dialect = dialect or project.credentials["type"]
    with project.warehouse(read_only=True) as warehouse:
        stored = session.registry(warehouse).stored(version)
        try:
            query = features_query(warehouse, session, stored.categories)
        except UsageError:
            # Not built yet: the SQL of complete customers is all that can be written.
            return Compiled(
                stored, target_dialect, compile_scores(stored, relation, target_dialect)
            )
        limit = session.settings.model.missing_patterns
        patterns = missing_patterns(warehouse, stored.features, query, limit)
    return Compiled(
        stored, target_dialect, compile_scores(stored, relation, target_dialect, patterns)
    )
