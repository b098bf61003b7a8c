"""Commands around a stored model: fit, models, activate, rollback, export, import, compile."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse_seg.cli.options import AsJson, Reason, RegistryName, StoredVersion
from warehouse_seg.cli.output import out, print_exactly, print_json, stderr
from warehouse_seg.cli.reporter import Reporter
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.events import Event
from warehouse_seg.settings import Preference
from warehouse_seg.sql.dialects import DIALECTS

if TYPE_CHECKING:
    from warehouse_seg.commands.activation import Activated
    from warehouse_seg.model.segment_model import SegmentModel

Population = Annotated[
    bool, typer.Option("--population", help="Go on to the best model of all customers, in SQL.")
]
AcceptChanges = Annotated[
    bool,
    typer.Option(
        "--accept-changes", help="Adopt the model however few customers keep their segment."
    ),
]
Prefer = Annotated[
    Preference | None,
    typer.Option(
        help="Choose by what segments predict of unseen time, or by fit alone; else `model.prefer`."
    ),
]


def fit(
    project: DbtProject,
    reporter: Reporter,
    registry: RegistryName = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit/--reselect",
            help="Keep features and shape of the active model, or choose them anew.",
        ),
    ] = True,
    population: Population = False,
    accept_changes: AcceptChanges = False,
    prefer: Prefer = None,
    notes: Annotated[str, typer.Option(help="Kept with the model.")] = "",
    as_json: AsJson = False,
) -> None:
    """Refit the active model, or fit a first one, and make the result the active model."""
    from warehouse_seg.cli.model_view import candidate_table
    from warehouse_seg.commands.fit import Options
    from warehouse_seg.commands.fit import fit as fit_and_activate

    model = fit_and_activate(
        project,
        Options(
            registry_name=registry,
            reselect=not refit,
            population=population,
            accept_changes=accept_changes,
            prefer=prefer,
            notes=notes,
        ),
        emit=reporter.emit,
    )
    if as_json:
        print_json(json.loads(model.to_json()))
        return
    if reporter.verbosity == "verbose":
        stderr.print(candidate_table(model))
    out.print(
        f"model version {model.model_version} is active: {len(model.components)} segments, "
        f"{model.covariance_type} covariance, fingerprint {model.fingerprint}"
    )


def models(project: DbtProject, reporter: Reporter, as_json: AsJson = False) -> None:
    """List the stored models, which one is active, and what to know before using it."""
    project.ask("warehouse_seg.commands.models", "warehouse_seg.cli.model_view")
    from warehouse_seg.cli.model_view import model_table
    from warehouse_seg.commands.models import models as list_models

    stored = list_models(project)
    if as_json:
        print_json(asdict(stored))
    else:
        out.print(
            model_table(stored)
            if stored.models
            else "no model is stored yet; run `warehouse-seg fit`"
        )
    for text in stored.active_warnings:
        reporter.emit(Event.warning(text))


def activate(
    project: DbtProject,
    reporter: Reporter,
    version: Annotated[int, typer.Argument(help="A stored version (`warehouse-seg models`).")],
    registry: RegistryName = None,
    reason: Reason = "",
) -> None:
    """Make a stored model the active one; the next `dbt build` scores with it."""
    from warehouse_seg.commands.activation import activate as activate_version

    _report_active(activate_version(project, version, reason, registry), reporter)


def rollback(
    project: DbtProject, reporter: Reporter, registry: RegistryName = None, reason: Reason = ""
) -> None:
    """Make the version that was active before the present one active again; repeated, the one before that."""
    from warehouse_seg.commands.activation import rollback as roll_back

    _report_active(roll_back(project, reason, registry), reporter)


def export(
    project: DbtProject,
    reporter: Reporter,
    version: Annotated[
        int | None, typer.Argument(help="A stored version; else the active one.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write this file; else stdout.")] = None,
) -> None:
    """Write a stored model as JSON, for `import` in another target or project."""
    project.ask("warehouse_seg.commands.export")
    from warehouse_seg.commands.export import export as exported_text

    text = exported_text(project, version)
    if output is None:
        print_exactly(text)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror or error}; name another --output"
        ) from error
    reporter.emit(Event.step(f"wrote {output}"))


def import_(
    project: DbtProject,
    reporter: Reporter,
    file: Annotated[Path, typer.Argument(help="What `warehouse-seg export` wrote.")],
    activate: Annotated[bool, typer.Option("--activate", help="Make it the active model.")] = False,
    registry: RegistryName = None,
    reason: Reason = "",
) -> None:
    """Store an exported model in this target's registry, checked."""
    from warehouse_seg.commands.import_model import import_model

    imported = import_model(
        project, file, activate=activate, reason=reason, registry_name=registry, emit=reporter.emit
    )
    version = imported.version
    out.print(
        f"{file} is version {version} already"
        if imported.was_stored
        else f"{file} is stored as model version {version}"
    )
    if imported.is_active:
        out.print(_active(version))
    else:
        out.print(f"it is not active: `warehouse-seg activate {version}` makes it so")


def compile_(
    project: DbtProject,
    reporter: Reporter,
    version: StoredVersion = None,
    dialect: Annotated[
        str | None,
        typer.Option(help=f"One of {', '.join(DIALECTS)}; else that of the project's target."),
    ] = None,
    relation: Annotated[
        str, typer.Option(help="The features, as SQL text.")
    ] = "seg_customer_features",
    model: Annotated[
        Path | None, typer.Option(help="A model as JSON, instead of a stored one.")
    ] = None,
) -> None:
    """Print the scoring SQL of a model for any dialect, and say how long it is."""
    if model is None:
        project.ask("warehouse_seg.commands.compile", "warehouse_seg.scoring.limits")
    from warehouse_seg.commands.compile import compiled
    from warehouse_seg.scoring.limits import passed_limits, size_of

    statement = compiled(project, version, relation, dialect, _model_in(model) if model else None)
    size = size_of(statement.text, statement.model)
    reporter.emit(Event.step(str(size)))
    for text in passed_limits(size, statement.dialect):
        reporter.emit(Event.warning(text))
    print_exactly(statement.text)


def _report_active(activated: Activated, reporter: Reporter) -> None:
    out.print(_active(activated.version))
    if activated.hint is not None:
        reporter.emit(Event.step(activated.hint))


def _active(version: int) -> str:
    return f"model version {version} is active"


def _model_in(path: Path) -> SegmentModel:
    """The model in a JSON file."""
    from warehouse_seg.model.segment_model import SegmentModel

    try:
        return SegmentModel.from_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} holds no model as `warehouse-seg fit --json` prints it: {error}"
        ) from error
