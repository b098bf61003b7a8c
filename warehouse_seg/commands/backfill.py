"""Fills the history for dates that no build has scored, under a frozen model; the current tables stay as they are."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from warehouse_seg.dbt.manifest import PACKAGE
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.monitoring.date_scoring import DateScoring
from warehouse_seg.monitoring.grid import date_before, grid, is_on_grid
from warehouse_seg.monitoring.history_table import Basis, HistoryTable
from warehouse_seg.monitoring.past_features import OrderLines
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_queries import built_relation, past_columns
from warehouse_seg.settings import Period
from warehouse_seg.warehouse.connection import Warehouse

MEMBERSHIPS, SEGMENTS = "seg_membership_history", "seg_segment_history"


@dataclass(frozen=True)
class Options:
    """What to fill.

    first, last: the dates between which, both inclusive; None for the first order's and the latest date of the grid
    every: what the user takes the grid for; refused where the variable `history.every` says another
    version: the model; None for the active one, and for restating the one that scored the date
    again: replace what is there
    restate: keep what is there, and add what is known of those dates now
    """

    first: date | None = None
    last: date | None = None
    every: Period | None = None
    version: int | None = None
    again: bool = False
    restate: bool = False


@dataclass(frozen=True)
class Backfilled:
    """What a backfill wrote.

    dates: those written, as texts; kept: how many dates of the range were there already
    model_versions: those that scored them
    """

    dates: list[str]
    kept: int
    model_versions: list[int]
    basis: str
    seconds: float


def backfill(project: DbtProject, options: Options, emit: Emit = silent) -> Backfilled:
    """Fill the history between two dates, each date whole or not at all; what is there stays, unless asked.

    Interrupted, it goes on where it was when it is run again.
    Raises UsageError where the project keeps no history or its features of an earlier day are unknown, DbtFailed.
    """
    began = time.monotonic()
    session = Session.for_reading(project)
    _require_grid(session, options)
    relation = session.manifest.relation(MEMBERSHIPS)
    with project.warehouse(read_only=True) as warehouse:
        exists = warehouse.has_relation(relation)
    if not exists:
        project.build(MEMBERSHIPS)
    with project.warehouse() as warehouse:
        written = _Backfill(warehouse, session, HistoryTable(warehouse, relation), emit).run(
            options
        )
    if written.is_ahead:
        emit(Event.step("movements are brought up to date by dbt"))
        project.build(f"{MEMBERSHIPS}+,package:{PACKAGE}")
    return Backfilled(
        [str(day) for day in written.dates],
        written.kept,
        sorted(set(written.dates.values())),
        written.basis,
        time.monotonic() - began,
    )


@dataclass(frozen=True)
class _Written:
    """What was done of the memberships.

    is_ahead: whether what dbt makes of them is behind, now or since an interruption
    """

    dates: dict[date, int]
    kept: int
    basis: Basis
    is_ahead: bool


@dataclass(frozen=True)
class _Backfill:
    """The part of the work that holds the warehouse."""

    warehouse: Warehouse
    session: Session
    table: HistoryTable
    emit: Emit

    def run(self, options: Options) -> _Written:
        """Score what the options ask for."""
        self.table.require_shape()
        registry = self.session.registry(self.warehouse)
        dates = self._dates(options)
        there = self.table.known_versions()
        if options.restate:
            basis = Basis.RESTATED
            due = {day: options.version or there[day] for day in dates if day in there}
            if not due:
                raise UsageError(
                    f"the history has no date from {dates[0]} to {dates[-1]}, needed one to restate; "
                    "`warehouse-seg backfill` without --restate fills it"
                )
        else:
            basis = Basis.KNOWN
            version = registry.stored(options.version).model_version
            due = {day: version for day in dates if options.again or day not in there}
        self._score(due, basis)
        if basis is Basis.KNOWN:
            self._tell_models_apart()
        return _Written(due, len(dates) - len(due), basis, self._is_ahead())

    def _is_ahead(self) -> bool:
        relation = self.session.manifest.relation(SEGMENTS)
        if not self.warehouse.has_relation(relation):
            return True
        stamps = "as_of_date, max(scored_at) as scored_at"
        known, assigned = (
            self.warehouse.rows(
                f"select {stamps} from {table} group by as_of_date order by as_of_date"
            )
            for table in (f"{self.table.relation} where basis = 'known'", relation)
        )
        return known != assigned

    def _dates(self, options: Options) -> list[date]:
        """The dates of the grid that were asked for. Raises UsageError where there is none."""
        rfm = built_relation(self.warehouse, self.session.manifest, "seg_customer_rfm")
        (span,) = self.warehouse.rows(
            f"select max(as_of_date) as as_of_date, max(tenure_days) as days from {rfm}"
        )
        if span["as_of_date"] is None:
            raise UsageError("found no customer in seg_customer_rfm, needed orders to go back to")
        earliest = span["as_of_date"] - timedelta(days=int(span["days"]) - 1)
        first, last = options.first or earliest, options.last or span["as_of_date"]
        if last > span["as_of_date"]:
            raise UsageError(
                f"found --to {last}, needed at most {span['as_of_date']}: orders are known up to there"
            )
        period = self.session.settings.history.every
        dates = grid(max(first, earliest), last, period)
        if not dates:
            raise UsageError(
                f"found no first day of a {period} from {first} to {last} after the first order "
                f"({earliest - timedelta(days=1)}); name a longer time with --from and --to"
            )
        return dates

    def _score(self, due: Mapping[date, int], basis: Basis) -> None:
        """Write the dates, version by version."""
        written: list[date] = []

        def done(batch: Sequence[date]) -> None:
            written.extend(batch)
            self.emit(Event.progress(f"{batch[-1]} scored", len(written), len(due), "dates"))

        scoring = DateScoring(
            self.table, self._order_lines(), self.session.settings.model.missing_patterns
        )
        for version in sorted(set(due.values())):
            model = self.session.registry(self.warehouse).read(version)
            _require_known_features(model)
            dates = sorted(day for day in due if due[day] == version)
            scoring.score(model, dates, basis, done)
        if written:
            what = {Basis.KNOWN: "scored", Basis.RESTATED: "restated"}.get(
                basis, "scored by the model before as well"
            )
            self.emit(Event.step(f"{_span(written)} {what}"))

    def _order_lines(self) -> OrderLines:
        settings = self.session.settings
        relation = built_relation(self.warehouse, self.session.manifest, "stg_seg__transactions")
        return OrderLines(relation, settings.columns.category is not None, settings.history.every)

    def _tell_models_apart(self) -> None:
        """Where neighbours were scored by two models, score the later date by the earlier one's as well."""
        period = self.session.settings.history.every
        there = {d: v for d, v in self.table.known_versions().items() if is_on_grid(d, period)}
        has = {(s.as_of_date, s.model_version) for s in self.table.scorings()}
        due = {}
        for day, version in there.items():
            before = there.get(date_before(day, period))
            if before is not None and before != version and (day, before) not in has:
                due[day] = before
        if due:
            self._score(due, Basis.PREVIOUS_MODEL)


def _span(days: Sequence[date]) -> str:
    """How many dates, and from when to when."""
    if len(days) == 1:
        return f"{days[0]}"
    return f"{len(days)} dates from {min(days)} to {max(days)}"


def _require_known_features(model: SegmentModel) -> None:
    """Raise UsageError where order lines do not say what the model's features were on an earlier day."""
    known = past_columns(model.categories)
    unknown = [name for name in model.column_names if name not in known]
    if unknown:
        raise UsageError(
            f"version {model.model_version} has the feature {', '.join(unknown)}, which does not come from order "
            "lines: its values on an earlier day are unknown. Build once on each date of the grid with its "
            "`as_of_date` instead"
        )


def _require_grid(session: Session, options: Options) -> None:
    if session.settings.transactions is None:
        raise UsageError(
            "found a `feature_table`, which shows one day only; earlier dates need order lines (`transactions`). "
            "Build once on each date of the grid with its `as_of_date` instead"
        )
    period = session.settings.history.every
    if options.every is not None and options.every is not period:
        raise UsageError(
            f"found --every {options.every}, but this project's history has a date every {period}: movements compare "
            f"neighbours of one grid. Leave the option out, or set `history: {{every: {options.every}}}` under "
            "`vars: warehouse_seg:`"
        )
    if options.first and options.last and options.first > options.last:
        raise UsageError(
            f"found --from {options.first} after --to {options.last}; needed the earlier one first"
        )
    if options.restate and options.again:
        raise UsageError(
            "found --again and --restate: the one replaces what was known, the other keeps it. Give one of them"
        )
