"""What a person needs to see when something is not as it should be: dbt, profile, package, input, registry, model.

Each check stands alone: where it fails it says what to do, and the later ones still run where they can. Nothing is
changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

from warehouse_seg.dbt.package_version import program_version
from warehouse_seg.dbt.project import DbtProject, dbt_program
from warehouse_seg.errors import SegError
from warehouse_seg.project.context import Session
from warehouse_seg.project.scored_version import due_build, scored_version
from warehouse_seg.registry.tables import SCHEMA_VERSION
from warehouse_seg.settings import Settings, defaults
from warehouse_seg.warehouse import questions
from warehouse_seg.warehouse.connection import Warehouse

State = Literal["ok", "warning", "failed"]

FEATURES = "seg_customer_features"
LINES = "stg_seg__transactions"
EXAMPLES = 5
NOTHING = "nothing: the tables show the active model"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    text: what was found; to_do: what to do about it, None where nothing is
    """

    name: str
    text: str
    state: State = "ok"
    to_do: str | None = None


@dataclass(frozen=True)
class Diagnosis:
    """All checks in order, and some rows of the order lines as the package reads them."""

    checks: list[Check]
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        """Whether no check failed."""
        return all(check.state != "failed" for check in self.checks)

    @property
    def next_step(self) -> str:
        """What to do first."""
        return next((check.to_do for check in self.checks if check.to_do), NOTHING)


def debug(project: DbtProject) -> Diagnosis:
    """Look at everything that a command of this program needs. Raises nothing that a check can say."""
    examples: list[dict[str, Any]] = []
    return Diagnosis(list(_checks(project, examples)), examples)


def _checks(project: DbtProject, examples: list[dict[str, Any]]) -> Iterator[Check]:
    """Every check; `examples` gets rows of the order lines."""
    yield Check("program", f"warehouse-seg {program_version()}")
    try:
        project.require_file()
    except SegError as error:
        yield _failed("dbt", error, "go to a dbt project, or make one to try: `warehouse-seg demo`")
        return
    try:
        effective = project.environment
    except SegError as error:
        yield _failed("dbt", error, "make dbt read the project; `dbt debug` says more")
        return
    yield Check("dbt", f"{' '.join(dbt_program())} ({effective.dbt_version})")
    place = f"{effective.profile}, target {effective.target}, from {effective.profiles_dir}"
    yield Check("profile", place)
    session = None
    try:
        session = Session.for_reading(project)
    except SegError as error:
        yield _failed("package", error, "run `warehouse-seg init`, then `dbt deps`")
    else:
        yield _package(session)
        yield Check("variables", _variables_in_effect(session.settings))
    try:
        with project.warehouse(read_only=True) as warehouse:
            yield Check("connection", _connection(warehouse, project.credentials))
            if session is not None:
                yield from _warehouse_checks(warehouse, session, examples)
    except SegError as error:
        yield _failed("connection", error, "make the connection of the profile work; `dbt debug`")


def _warehouse_checks(
    warehouse: Warehouse, session: Session, examples: list[dict[str, Any]]
) -> Iterator[Check]:
    looked_at: dict[str, Callable[[], Check]] = {
        "order lines": lambda: _order_lines(warehouse, session, examples),
        "customer key": lambda: _customer_key(warehouse, session),
        "registry": lambda: _registry(warehouse, session),
        "model": lambda: _model(warehouse, session),
    }
    for name, look in looked_at.items():
        try:
            yield look()
        except SegError as error:
            yield _failed(name, error, None)


def _failed(name: str, error: SegError, to_do: str | None) -> Check:
    return Check(name, str(error), "failed", to_do or f"mend what `{name}` says above")


def _package(session: Session) -> Check:
    package, program = session.manifest.package_version(), program_version()
    if package == program:
        return Check("package", f"dbt package warehouse_seg {package}, as the program")
    return Check(
        "package",
        f"dbt package warehouse_seg {package or 'of unknown version'}, the program is {program}",
        "warning",
        "renew the package: `warehouse-seg init`, then `dbt deps`",
    )


def _variables_in_effect(settings: Settings) -> str:
    """Those that differ from their defaults, in the order of the reference."""
    standard = settings.model_validate(defaults() | _input_of(settings)).model_dump(mode="json")
    effective = settings.model_dump(mode="json")
    changed = {
        name: value
        for name, value in effective.items()
        if value != standard[name] or name in _input_of(settings)
    }
    return ", ".join(f"{name}: {value}" for name, value in changed.items())


def _input_of(settings: Settings) -> dict[str, Any]:
    given = settings.model_dump(mode="json", include={"transactions", "feature_table"})
    return {name: value for name, value in given.items() if value is not None}


def _connection(warehouse: Warehouse, credentials: Any) -> str:
    if warehouse.dialect == "duckdb":
        return f"DuckDB {version('duckdb')}, {credentials['path']}, schema {credentials['schema']}"
    place = ", ".join(str(credentials[n]) for n in ("host", "dbname", "schema") if n in credentials)
    return f"{warehouse.dialect}, {place}"


def _order_lines(warehouse: Warehouse, session: Session, examples: list[dict[str, Any]]) -> Check:
    if session.settings.transactions is None:
        return Check("order lines", f"none: ready features of {session.settings.feature_table}")
    mapping = session.settings.columns.model_dump(mode="json").items()
    mapped = ", ".join(f"{name} is {expression}" for name, expression in mapping if expression)
    relation = session.manifest.relation(LINES)
    if not warehouse.has_relation(relation):
        return Check("order lines", f"{mapped}; not built yet", "warning", _run())
    examples += warehouse.rows(
        f"select * from {relation} order by ordered_at desc nulls last limit {EXAMPLES}"
    )
    return Check("order lines", mapped)


def _customer_key(warehouse: Warehouse, session: Session) -> Check:
    relation = session.manifest.relation(FEATURES)
    if not warehouse.has_relation(relation):
        return Check("customer key", f"{relation} is not built yet", "warning", _run())
    query = questions.key_grain(f"select customer_id from {relation}", warehouse.dialect)
    (row,) = warehouse.rows(query)
    text = f"{row['customers']:,} customers in {row['number_of_rows']:,} rows of {relation}"
    if row["number_of_rows"] == row["customers"] and row["customers"]:
        return Check("customer key", f"{text}: one row for each")
    to_do = "give every customer one row with a key in the relation that the package reads"
    return Check("customer key", f"{text}, {row['null_keys']:,} without a key", "failed", to_do)


def _registry(warehouse: Warehouse, session: Session) -> Check:
    database, schema = session.manifest.registry_place()
    place = schema if database is None else f"{database}.{schema}"
    written = session.registry(warehouse).schema_version()
    text = f"{place}, schema version {written}"
    if written == SCHEMA_VERSION:
        return Check("registry", text)
    return Check("registry", f"{text}; the next fit or activation makes it {SCHEMA_VERSION}")


def _model(warehouse: Warehouse, session: Session) -> Check:
    registry = session.registry(warehouse)
    active = registry.active_version()
    if active is None:
        return Check("model", "none is active yet", "warning", _run())
    model = registry.read(active)
    made = datetime.fromisoformat(model.training.created_at).replace(tzinfo=UTC)
    days = (datetime.now(UTC) - made).days
    scored = scored_version(warehouse, session.manifest)
    text = (
        f"version {active} is active: {len(model.components)} segments, fitted {days} days ago; tables scored with "
        f"version {scored or 'none'}"
    )
    due = due_build(active, scored)
    return Check("model", text, "ok" if due is None else "warning", due)


def _run() -> str:
    return "run `warehouse-seg run`: it builds the features, fits a first model and scores with it"
