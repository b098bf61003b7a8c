"""The jobs around a model: fit a new one, list them, activate one, roll back.

A fit reads a sample of the wide features, for the categories that the new version will be frozen to, without touching
any table; what it writes is the registry, and the last row that it writes makes the model active.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.dbt import DbtProject, Manifest
from warehouse_seg.errors import UsageError
from warehouse_seg.fitting import fit_model
from warehouse_seg.lineage import trace
from warehouse_seg.model import Category, SegmentModel
from warehouse_seg.preparation import Sample
from warehouse_seg.progress import Progress, silent
from warehouse_seg.registry import Registry, Row
from warehouse_seg.rendering import render
from warehouse_seg.sampling import count_sql, sample_sql
from warehouse_seg.settings import FeatureChoice, ModelSettings, Settings
from warehouse_seg.warehouse import Columns, Warehouse

Array = NDArray[np.float64]

ORDER_FEATURES = ("recency_days", "order_count", "average_order_value")
"""The default features of an order history. Net spend and tenure are collinear with them in logs, and the gap between
orders does not exist for the half of the customers that bought once."""

COMMON_CATEGORY = 0.5
"""A category that fewer customers ever bought is no feature: its column is mostly one value, zero."""

NUMERIC_TYPE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\b|DECIMAL|NUMERIC|DOUBLE|FLOAT|REAL")


@dataclass(frozen=True)
class Session:
    """A dbt project with its manifest and effective settings, at the start of a job."""

    project: DbtProject
    manifest: Manifest
    settings: Settings

    @classmethod
    def start(cls, project: DbtProject) -> Session:
        """Check what the user wrote, then ask dbt what it is in effect."""
        project.written_settings()
        project.call("parse")
        return cls.after_dbt(project)

    @classmethod
    def after_dbt(cls, project: DbtProject) -> Session:
        """The same where dbt has just worked in the project: its manifest is there, and asking again takes seconds."""
        manifest = project.last_manifest()
        return cls(project, manifest, manifest.settings())

    def registry(self, warehouse: Warehouse) -> Registry:
        """The registry that the project's target uses."""
        database, schema = self.manifest.registry_place()
        quoted = ".".join(
            render("seg_identifier", part, warehouse.dialect) for part in (database, schema)
        )
        return Registry(warehouse, self.manifest.registry_tables(), quoted)

    def require_own_registry(self, named: str | None) -> None:
        """Refuse to write a registry that is not the target's own, unless the user named it.

        named: the value of --registry
        """
        _, schema = self.manifest.registry_place()
        own = self.project.credentials["schema"]
        if schema not in (own, named):
            raise UsageError(
                f"the registry of this target is schema {schema!r}, not its own {own!r} (variable `registry_schema`). "
                f"If you mean to write there, repeat its name: --registry {schema}"
            )


def fit(
    project: DbtProject,
    *,
    session: Session | None = None,
    registry_name: str | None = None,
    notes: str = "",
    progress: Progress = silent,
) -> SegmentModel:
    """Fit a model on the project's features, store it and make it the active one.

    session: where dbt has just worked in the project, what it said; otherwise dbt is asked
    Raises UsageError (nothing changed), or Refused where every candidate is degenerate.
    """
    session = session or Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        active = registry.active_version()
        previous = _previous_model(registry, active, progress)
        used_keys = registry.segment_keys()
        sample = read_sample(warehouse, session)
    progress(f"read {len(_first(sample.columns)):,} of {sample.population_rows:,} customers")
    choices = choose_features(sample, session.settings)
    progress(f"features: {', '.join(choice.name for choice in choices)}")
    model = fit_model(sample, choices, session.settings.model, notes=notes, progress=progress)
    if previous is not None:
        model = _with_identity(previous, model, sample, used_keys, progress)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        stored = registry.publish(model)
        registry.activate(stored.model_version, "fit", notes, expected=active)
    return stored


def _previous_model(
    registry: Registry, active: int | None, progress: Progress
) -> SegmentModel | None:
    """The active model. None where there is none, or where its rows cannot be used: a fit is the way out of that."""
    if active is None:
        return None
    try:
        return registry.read(active)
    except UsageError as error:
        progress(f"warning: {error}; every segment of this fit gets a new key")
        return None


def _with_identity(
    previous: SegmentModel,
    model: SegmentModel,
    sample: Sample,
    used_keys: Sequence[str],
    progress: Progress,
) -> SegmentModel:
    """The model with the keys and names of the active one's segments where customers and Gaussians say they go on.

    Where the sample lacks a feature of the active model nobody can be scored under both: then every key is a new one.
    """
    overlap = np.zeros((len(previous.components), len(model.components)))
    if set(previous.feature_names) <= set(sample.columns):
        segments = [m.log_joint(sample.columns).argmax(axis=1) for m in (previous, model)]
        np.add.at(overlap, (segments[0], segments[1]), 1)
    lineage = trace(previous, model, overlap, used_keys)
    for link in lineage.links:
        progress(f"  {link}")
    progress(f"{lineage.kept_share:.1%} of the sampled customers keep their segment")
    return lineage.model


def read_sample(warehouse: Warehouse, session: Session) -> Sample:
    """The md5 sample of the wide features, with columns for the categories that are the largest now.

    The tables keep the active version's columns meanwhile; those of a new version come with its first scoring.
    Raises UsageError where the features are not built yet.
    """
    model_settings = session.settings.model
    categories = _largest_categories(warehouse, session)
    relation = _features_query(warehouse, session, categories)
    types = warehouse.column_types(relation)
    columns = [name for name in types if name not in ("customer_id", "as_of_date")]
    numeric = [name for name in columns if _is_numeric(types[name])]
    _refuse_texts(model_settings, types, numeric)
    counted = warehouse.rows(count_sql(relation, warehouse.dialect))[0]
    if not counted["population_rows"]:
        raise UsageError(
            "found no customer in seg_customer_features, needed some to fit on. Is the relation in `transactions` "
            "(or `feature_table`) filled, and `as_of_date` after its first order?"
        )
    sampled = warehouse.arrays(
        sample_sql(
            relation, numeric, model_settings.sample_size, model_settings.seed, warehouse.dialect
        )
    )
    return Sample(
        {name: sampled[name] for name in numeric},
        counted["population_rows"],
        str(counted["as_of_date"]),
        categories,
    )


def choose_features(sample: Sample, settings: Settings) -> Sequence[FeatureChoice]:
    """The features that the user named, else the sensible ones among the columns.

    Of an order history: recency, order count, average order value, the categories that most customers bought, and the
    user's extra features; of a ready table: every numeric column.
    """
    if settings.model.features is not None:
        return settings.model.features
    names = list(sample.columns)
    if settings.transactions is not None:
        history = set(render("seg_rfm_features").split())
        names = [
            name
            for name in names
            if name in ORDER_FEATURES
            or (name not in history and not name.startswith(("spend_", "share_")))
            or _is_common_spend(name, sample)
        ]
    return [FeatureChoice(name=name) for name in names]


def models(project: DbtProject) -> tuple[list[Row], list[Row]]:
    """Every stored version and every activation, the newest first."""
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        return registry.models(), registry.activations()


def activate(project: DbtProject, version: int, reason: str, registry_name: str | None) -> None:
    """Make a stored version the active one. Raises UsageError where there is no such version."""
    session = Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        registry.activate(version, "activate", reason, expected=registry.active_version())


def rollback(project: DbtProject, reason: str, registry_name: str | None) -> int:
    """Make the version that was active before the present one active again; that version.

    Raises UsageError where there is none.
    """
    session = Session.start(project)
    session.require_own_registry(registry_name)
    with project.warehouse() as warehouse:
        registry = session.registry(warehouse)
        history = [row["model_version"] for row in registry.activations()]
        earlier = [version for version in history if version != history[0]]
        if not earlier:
            raise UsageError(
                f"no version was active before the present one ({history[0] if history else 'none'}); "
                "`warehouse-seg models` lists what is stored"
            )
        registry.activate(earlier[0], "rollback", reason, expected=history[0])
    return int(earlier[0])


def stored_model(project: DbtProject, version: int | None) -> SegmentModel:
    """The model of this version, or the active one. Raises UsageError where there is none."""
    session = Session.start(project)
    with project.warehouse(read_only=True) as warehouse:
        registry = session.registry(warehouse)
        wanted = version if version is not None else registry.active_version()
        if wanted is None:
            raise UsageError("no model is active yet; run `warehouse-seg fit`")
        return registry.read(wanted)


def _features_query(warehouse: Warehouse, session: Session, categories: Sequence[Category]) -> str:
    """The wide features for these categories, as a query."""
    manifest, settings = session.manifest, session.settings
    if settings.feature_table is not None:
        return f"select * from {_built(warehouse, manifest, 'seg_customer_features')}"
    extra_relation, extra_columns = None, []
    if settings.extra_features is not None:
        extra_relation = manifest.input_relation(settings.extra_features)
        types = warehouse.column_types(f"select * from {extra_relation}")
        extra_columns = [
            n for n, kind in types.items() if _is_numeric(kind) and n.lower() != "customer_id"
        ]
    return render(
        "seg_wide_features",
        _built(warehouse, manifest, "seg_customer_rfm"),
        _built(warehouse, manifest, "seg_customer_category_spend"),
        [category.model_dump() for category in categories],
        warehouse.dialect,
        extra_relation,
        extra_columns,
    )


def _largest_categories(warehouse: Warehouse, session: Session) -> tuple[Category, ...]:
    if session.settings.feature_table is not None:
        return ()
    relation = _built(warehouse, session.manifest, "seg_customer_category_spend")
    query = render(
        "seg_largest_categories", relation, session.settings.categories, warehouse.dialect
    )
    values = [row["category"] for row in warehouse.rows(query)]
    columns: list[dict[str, Any]] = json.loads(render("seg_category_columns", values))
    return tuple(Category.model_validate(column) for column in columns)


def _built(warehouse: Warehouse, manifest: Manifest, model: str) -> str:
    relation = manifest.relation(model)
    if not warehouse.has_relation(relation):
        raise UsageError(
            f"found no table {relation}: the features are not built yet. Run "
            "`dbt build --select +seg_customer_features`, or `warehouse-seg run`, which does it first"
        )
    return relation


def _is_numeric(sql_type: str) -> bool:
    return NUMERIC_TYPE.match(sql_type.upper()) is not None and not sql_type.endswith("[]")


def _refuse_texts(settings: ModelSettings, types: dict[str, str], numeric: list[str]) -> None:
    for choice in settings.features or ():
        if choice.name in types and choice.name not in numeric:
            raise UsageError(
                f"feature {choice.name} is {types[choice.name]}, not a number; a mixture takes numeric columns only. "
                "Leave it out of `model.features`, or turn it into a number in the feature model"
            )


def _is_common_spend(name: str, sample: Sample) -> bool:
    own = {f"spend_{category.column_suffix}" for category in sample.categories}
    return name in own and float((sample.columns[name] > 0).mean()) >= COMMON_CATEGORY


def _first(columns: Columns) -> NDArray[Any]:
    return next(iter(columns.values()))
